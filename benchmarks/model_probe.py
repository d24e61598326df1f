"""Import, build and compare migrated classes; run by model_outcomes.py, a forked process a class.

python benchmarks/model_probe.py CASES.json     prints one line "RESULT {...}" a case

A case names the class, its module, the folders of its three forms (before, rewritten for Ray,
rewritten for new_stack) and what model_spaces.toml says of it. Third-party packages that are not
installed are stubbed, never torch, Ray or what is bridged, and gym is gymnasium; `ray.rllib` names
that today's Ray lacks resolve as they do for users, and copies of Ray's own examples stand in for
those of Ray.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import traceback
import types
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import model_cases
import numpy as np
import ray.rllib.algorithms.ppo  # noqa: F401  (before the fork)
import torch
from model_cases import evaluated, said, spaces_of
from ray.rllib.policy import rnn_sequencing
from ray.rllib.utils.spaces.repeated import Repeated

import rlmigrate
from rlmigrate.compat.parity import check_parity
from rlmigrate.compat.wrap.model import _ROLES as ROLES
from rlmigrate.compat.wrap.module import WrappedModel
from rlmigrate.migrate.understanding.wrapped import WRAPPERS, wrapped_name

warnings.filterwarnings("ignore")
np.product = np.prod  # type: ignore[attr-defined]  # numpy 2 dropped it, old models say it
torch.set_num_threads(1)
LIMIT = 240  # seconds a class may take
NEVER_STUBBED = {"ray", "torch", "tensorflow", "keras", "rlmigrate", "numpy", "gymnasium", "tree"}


def _gymnasium_for_gym() -> None:
    """Let old models find the spaces that they ask the types of, where gym is not installed."""
    if importlib.util.find_spec("gym") is None:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == "gymnasium":
                sys.modules[f"gym{name.removeprefix('gymnasium')}"] = module


_gymnasium_for_gym()


def _with_old_form(function: Any) -> Any:
    """RLlib's add_time_dimension with the argument that it had until 2.0."""

    def either(rows: Any, *, max_seq_len: Any = None, seq_lens: Any = None, **more: Any) -> Any:
        if seq_lens is None and max_seq_len is not None:
            seq_lens = torch.ones(len(rows) // int(max_seq_len))
        return function(rows, seq_lens=seq_lens, **more)

    return either


rnn_sequencing.add_time_dimension = _with_old_form(rnn_sequencing.add_time_dimension)


NAMES = {**vars(model_cases), "Repeated": Repeated}


class StubMeta(type):
    """A class whose attributes are such classes too, and that goes through what imports do."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return stub(name)

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def __getitem__(cls, key: object) -> Any:
        return cls

    def __or__(cls, other: object) -> Any:
        return cls


class Stub(metaclass=StubMeta):
    """What stands for anything of a package that is not here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if args and isinstance(args[0], type) else self  # a decorator, perhaps

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return stub(name)

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def stub(name: str) -> Any:
    """Make a class of that name."""
    return StubMeta(name, (Stub,), {})


class StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Find what nobody else finds; `made` are the packages that were asked for."""

    def __init__(self, own: set[str]) -> None:
        self.own = own | NEVER_STUBBED
        self.made: set[str] = set()

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Stub a third-party module that is not installed."""
        top = name.partition(".")[0]
        if top in self.own or top in sys.stdlib_module_names:
            return None
        self.made.add(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        """Make a module whose every attribute is a class."""
        module = types.ModuleType(spec.name)
        module.__getattr__ = stub  # type: ignore[method-assign]
        module.__version__ = "0"  # type: ignore[attr-defined]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing."""


class RayTreeFinder(importlib.abc.MetaPathFinder):
    """Let `ray.rllib.examples` be the copied tree's."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Find a module of the copy."""
        if not name.startswith("ray.rllib.examples"):
            return None
        place = self.root.joinpath(*name.split(".")[1:])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if not file.exists():
            return None
        inner = [str(place)] if place.is_dir() else None
        return importlib.util.spec_from_file_location(name, file, submodule_search_locations=inner)


def load(case: Mapping[str, Any], side: str) -> Any:
    """Import a class from one of its three folders."""
    root = Path(case[side])
    tops = {p.stem for p in root.iterdir()} | {"rlmigrate_layers"}
    _forget(tops)
    place = root.joinpath(*case["module"].split("."))
    sys.path[:0] = [str(root), str(place.parent)]
    finders: list[Any] = []
    if (root / "rllib" / "examples").is_dir() or (root / "examples").is_dir():
        finders.append(RayTreeFinder(root if (root / "rllib").is_dir() else root.parent))
    sys.meta_path[:0] = finders
    stubs = StubFinder(tops)
    sys.meta_path.append(stubs)
    try:
        try:
            with rlmigrate.ray_names():
                module = importlib.import_module(case["module"])
        except BaseException:
            _forget(tops)
            _bare_packages(root, case["module"])
            with rlmigrate.ray_names():
                module = importlib.import_module(case["module"])
        found = module
        for part in case["class"].split("."):
            found = getattr(found, part)
        return found
    finally:
        if stubs.made:
            case["stubbed"].update(stubs.made)
        sys.meta_path.remove(stubs)
        for finder in finders:
            sys.meta_path.remove(finder)
        del sys.path[:2]


def _forget(tops: set[str]) -> None:
    for key in list(sys.modules):
        if key.split(".")[0] in tops or key.startswith("ray.rllib.examples"):
            del sys.modules[key]


def _bare_packages(root: Path, module: str) -> None:
    """Put the packages around a module in place without what their `__init__` imports."""
    parts = module.split(".")[:-1]
    for count in range(1, len(parts) + 1):
        package = types.ModuleType(".".join(parts[:count]))
        package.__path__ = [str(root.joinpath(*parts[:count]))]
        sys.modules[package.__name__] = package


def _class_inside(case: Mapping[str, Any]) -> str:
    """Name the class that a config trains: that in RLlib's LSTM or attention net, if it asks."""
    asked = [key for key in WRAPPERS if case["model_config"].get(key)]
    bridged = case["row"]["outcome"] != "native"
    return case["class"] if bridged or not asked else wrapped_name(case["class"], asked[0])


def fitting(old: Any, case: Mapping[str, Any]) -> tuple[Any, Any]:
    """The first spaces on which the old model builds and answers."""
    from rlmigrate.compat.parity.sides import building

    last: BaseException | None = None
    for obs, act in spaces_of(case.get("facts") or {}, NAMES):
        try:
            side = building.legacy_side(
                old,
                observation_space=obs,
                action_space=act,
                model_config=case["model_config"],
                seed=0,
                role=case["role"],
            )
            from rlmigrate.compat.parity.cases import CaseOptions, plan_cases

            options = CaseOptions(state_sizes=side.state_sizes, columns=side.columns)
            with side.session():
                side.run(plan_cases(obs, act, options=options)[0])
            return obs, act
        except BaseException as error:
            last = error
    assert last is not None
    raise last


def parity(old: Any, new: Any, spaces: tuple[Any, Any], case: Mapping[str, Any]) -> str:
    """Compare on equal weights; the status, and the largest difference."""
    report = check_parity(
        old,
        new,
        observation_space=spaces[0],
        action_space=spaces[1],
        model_config=case["model_config"],
        localise=False,
    )
    result = report.results[0]
    worst = max((o.max_abs for o in result.outputs.values()), default=float("nan"))
    text = f"{report.status.name} {worst:.3g}"
    return text if report.status.name == "PASS" else f"{text} {result.message[:150]}"


def role_of(wrapped: type) -> Any:
    """The protocol that a wrapped class speaks."""
    return next((name for name in ("dqn", "sac") if issubclass(wrapped, ROLES[name])), "policy")


def run(case: dict[str, Any]) -> dict[str, Any]:
    """All that is asked of one class."""
    result: dict[str, Any] = {}
    case["stubbed"] = set()
    case["role"] = case["facts"].get("role", "policy")
    case["model_config"] = evaluated(case["facts"].get("model_config", {}), NAMES)
    try:
        old = load(case, "before")
        result["original"] = "imports"
    except BaseException as error:
        return {"original": said(error)}
    spaces: tuple[Any, Any] | None = None
    try:
        spaces = fitting(old, case)
        result["spaces"] = f"{spaces[0]} -> {spaces[1]}"[:100]
    except BaseException as error:
        result["original"] = f"no guessed space fits ({said(error)})"
    for side in ("ray", "builtin"):
        try:
            new = load({**case, "class": _class_inside(case)}, side)
            if issubclass(new, WrappedModel) and side == "builtin":
                new = rlmigrate.wrap_model(new.legacy_class, stack="builtin", role=role_of(new))
        except BaseException as error:
            result[side] = f"import: {said(error)}"
            continue
        if spaces is None:
            result[side] = "imports"
            continue
        core = "ray.rllib.core.rl_module.rl_module" if side == "ray" else "rlmigrate.new_stack"
        from rlmigrate.compat.parity.model_configs import new_model_config

        try:
            importlib.import_module(core).RLModuleSpec(
                module_class=new,
                observation_space=spaces[0],
                action_space=spaces[1],
                model_config=new_model_config(case["model_config"]),
            ).build()
        except BaseException as error:
            result[side] = f"build: {said(error)}"
            continue
        try:
            result[side] = parity(old, new, spaces, case)
        except BaseException as error:
            if os.environ.get("PROBE_TRACEBACK"):
                traceback.print_exc()
            result[side] = f"parity: {said(error)}"
    if case["stubbed"]:
        result["stubbed"] = ", ".join(sorted(case["stubbed"]))
    return result


def forked(case: dict[str, Any]) -> dict[str, Any]:
    """Run a case in a process of its own, which is killed after LIMIT seconds."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _in_child(case, writer)
    os.close(writer)
    with os.fdopen(reader) as lines:
        text = lines.read()
    os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(text) if text else {"original": "died or took too long"}
    return found


def _in_child(case: dict[str, Any], writer: int) -> NoReturn:
    signal.alarm(LIMIT)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    if not os.environ.get("PROBE_TRACEBACK"):
        os.dup2(silent, 2)
    try:
        answer = json.dumps(run(case))
    except BaseException as error:
        answer = json.dumps({"original": said(error)})
    os.write(writer, answer.encode())
    os._exit(0)


def main() -> None:
    """Answer all cases of a file."""
    for case in json.loads(Path(sys.argv[1]).read_text()):
        print("RESULT " + json.dumps({**case["row"], **forked(case)}), flush=True)


if __name__ == "__main__":
    main()
