"""Find and read what an old checkpoint holds, in every layout since Ray 1.0.

policy_state.pkl|msgpck|msgpack         a Policy (2.0 on)
algorithm_state.*, policies/ID/...      an Algorithm (2.1 on)
checkpoint-N, checkpoint_N/checkpoint-N a Trainer (1.x, 2.0): a pickle with a pickle inside;
                                        Tune's params.json beside it has the shared settings

OldPolicy, OldCheckpoint    what was found
read_checkpoint             read it, running nothing
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rlmigrate.compat.checkpoints import inert
from rlmigrate.compat.checkpoints.inert import Inert
from rlmigrate.compat.checkpoints.mapped import open_mapped
from rlmigrate.compat.checkpoints.spaces import space_of
from rlmigrate.errors import CheckpointError
from rlmigrate.new_stack.checkpoints import packing

if TYPE_CHECKING:
    import gymnasium as gym

_SUFFIXES = ("pkl", "msgpck", "msgpack")
_TRAINER_FILE = re.compile(r"checkpoint-\d+")
_SPEC_FIELDS = ("policy_class", "observation_space", "action_space", "config")
_LONGEST_PARAMS = 10_000_000
NEW_FILES = ("class_and_ctor_args.pkl", "rl_module_metadata.json")


@dataclass(frozen=True)
class OldPolicy:
    """One policy of an old checkpoint.

    observation_space: preprocessed, with `original_space` where preprocessing changed it; None
    (and action_space) where the release did not write them.
    """

    policy_id: str
    weights: Mapping[str, np.ndarray[Any, Any]]
    observation_space: gym.Space[Any] | None = None
    action_space: gym.Space[Any] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    policy_class: str = ""
    global_timestep: int = 0
    optimizer: Any = None
    filter_state: Any = None
    problem: str = ""

    @property
    def model_config(self) -> Mapping[str, Any]:
        """The "model" part of the policy's config."""
        model = self.config.get("model")
        return model if isinstance(model, Mapping) else {}


@dataclass(frozen=True)
class OldCheckpoint:
    """What an old checkpoint holds."""

    path: Path
    kind: Literal["policy", "algorithm"]
    ray_version: str
    policies: Mapping[str, OldPolicy]


def read_checkpoint(path: Path) -> OldCheckpoint:
    """Read a Policy, Algorithm or Trainer checkpoint of the old stack.

    `path` may also be a folder that holds exactly one such checkpoint, as the results of a run do.
    Raises CheckpointError if there is none, or if it is one of the new stack.
    """
    if not path.exists():
        raise CheckpointError(f"no checkpoint at {path}")
    if path.is_dir() and any((path / name).exists() for name in NEW_FILES):
        raise CheckpointError(
            f"{path} is an RLModule checkpoint already; load it with RLModule.from_checkpoint"
        )
    folder = path if path.is_dir() else path.parent
    version = _ray_version(folder)
    if (state := _state_file(folder, "policy_state")) is not None:
        policy = _policy("default_policy", _load(state), None)
        return OldCheckpoint(path, "policy", version, {policy.policy_id: policy})
    if (folder / "policies").is_dir():
        return _algorithm(folder, path, version)
    trainer = _trainer_file(path)
    if trainer is not None:
        return _trainer(trainer, path, version)
    if path.is_dir():
        inner = [each for each in sorted(path.iterdir()) if each.is_dir() and _holds_one(each)]
        if len(inner) == 1:
            return read_checkpoint(inner[0])
        if inner:
            raise CheckpointError(
                f"{path} holds {len(inner)} checkpoints; name one of "
                f"{', '.join(each.name for each in inner[-8:])}"
            )
    raise CheckpointError(
        f"no old checkpoint in {path}: expected policy_state.pkl, algorithm_state.pkl with "
        f"policies/, or a file checkpoint-N; found {sorted(p.name for p in folder.iterdir())[:8]}"
    )


def _holds_one(folder: Path) -> bool:
    """Tell whether a folder is an old checkpoint, by its files' names."""
    return (
        _state_file(folder, "policy_state") is not None
        or (folder / "policies").is_dir()
        or _trainer_file(folder) is not None
    )


def _ray_version(folder: Path) -> str:
    """Return the release that the metadata names; nothing else depends on that file."""
    metadata = folder / "rllib_checkpoint.json"
    if not metadata.is_file():
        return ""
    try:
        found = json.loads(metadata.read_text(encoding="utf-8"))
    except ValueError:
        return ""
    return str(found.get("ray_version", "")) if isinstance(found, dict) else ""


def _state_file(folder: Path, stem: str) -> Path | None:
    found = [folder / f"{stem}.{suffix}" for suffix in _SUFFIXES]
    return next((file for file in found if file.is_file()), None)


def _load(file: Path) -> Any:
    """Read a file's content. Raises CheckpointError, which names the file."""
    try:
        if file.suffix in (".msgpck", ".msgpack"):
            return packing.loads(file.read_bytes())
        return inert.loads(open_mapped(file))
    except OSError as error:
        raise CheckpointError(f"{file}: {error.strerror or error}") from error
    except CheckpointError as error:
        raise type(error)(f"{file}: {error}") from error


def _algorithm(folder: Path, path: Path, version: str) -> OldCheckpoint:
    state_file = _state_file(folder, "algorithm_state")
    worker = _lookup(_load(state_file) if state_file else {}, "worker")
    filters = _lookup(worker, "filters") or {}
    policies: dict[str, OldPolicy] = {}
    for sub in sorted((folder / "policies").iterdir()):
        if (state := _state_file(sub, "policy_state")) is not None:
            policies[sub.name] = _policy(sub.name, _load(state), _lookup(filters, sub.name))
    if not policies:
        raise CheckpointError(f"{folder / 'policies'} holds no policy_state file")
    return OldCheckpoint(path, "algorithm", version, policies)


def _trainer_file(path: Path) -> Path | None:
    candidates = [path] if path.is_file() else sorted(path.iterdir())
    return next((file for file in candidates if _TRAINER_FILE.fullmatch(file.name)), None)


def _trainer(file: Path, path: Path, version: str) -> OldCheckpoint:
    outer = _load(file)
    worker = _lookup(outer, "worker")
    if isinstance(worker, bytes | memoryview):
        worker = inert.loads(worker)
    states = _lookup(worker, "state")
    if not isinstance(states, Mapping):
        raise CheckpointError(f"{file} holds no policy states; its keys are {_keys(outer)}")
    filters = _lookup(worker, "filters") or {}
    specs = _lookup(worker, "policy_specs") or {}
    policies = {}
    shared = _run_settings(file.parent)
    for policy_id, state in states.items():
        spec = _lookup(specs, policy_id)
        found = _policy(policy_id, state, _lookup(filters, policy_id), spec)
        model = {**(shared.get("model") or {}), **found.model_config}
        policies[policy_id] = replace(found, config={**shared, **found.config, "model": model})
    return OldCheckpoint(path, "algorithm", version, policies)


def _run_settings(folder: Path) -> Mapping[str, Any]:
    """Return what the run was started with, from the params.json that Tune wrote beside it.

    Trainer files of 1.x hold for each policy only what differs from it.
    """
    for place in (folder, folder.parent):
        file = place / "params.json"
        if file.is_file() and file.stat().st_size < _LONGEST_PARAMS:
            try:
                found = json.loads(file.read_text(encoding="utf-8"))
            except ValueError:
                continue
            if isinstance(found, dict) and isinstance(found.get("model", {}), dict):
                return found
    return {}


def _keys(value: Any) -> list[str]:
    return sorted(map(str, value)) if isinstance(value, Mapping) else [repr(value)]


def _lookup(value: Any, key: str) -> Any:
    if isinstance(value, Mapping | Inert):
        return value.get(key)
    return None


def _policy(policy_id: str, state: Any, filter_state: Any, spec: Any = None) -> OldPolicy:
    if not isinstance(state, Mapping | Inert):
        raise CheckpointError(f"policy {policy_id!r} has no state with weights, but {state!r:.200}")
    spec = _as_mapping(_lookup(state, "policy_spec") or spec)
    weights, problem = _weights(_lookup(state, "weights"))
    config = _lookup(spec, "config")
    if isinstance(config, Inert):
        config = config.attributes() or config.items
    return OldPolicy(
        policy_id=policy_id,
        weights=weights,
        observation_space=space_of(_lookup(spec, "observation_space")),
        action_space=space_of(_lookup(spec, "action_space")),
        config=config if isinstance(config, Mapping) else {},
        policy_class=_class_name(_lookup(spec, "policy_class")),
        global_timestep=int(_number(_lookup(state, "global_timestep"))),
        optimizer=_lookup(state, "_optimizer_variables"),
        filter_state=filter_state,
        problem=problem,
    )


def _as_mapping(spec: Any) -> Any:
    """Name the fields of a PolicySpec, which was a named tuple in 1.x."""
    if isinstance(spec, Inert) and not spec.attributes() and len(spec.arguments) >= 3:
        return dict(zip(_SPEC_FIELDS, spec.arguments, strict=False))
    return spec


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float | np.generic) else 0.0


def _class_name(value: Any) -> str:
    if isinstance(value, Inert):
        # A class that was pickled whole: cloudpickle names the metaclass, then the class.
        if value.name.endswith("._make_skeleton_class") and len(value.arguments) > 1:
            return str(value.arguments[1])
        return value.name
    return str(value) if isinstance(value, str) else ""


def _weights(value: Any) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    """Return named arrays, and what is wrong with them."""
    if isinstance(value, list | tuple):
        arrays = {str(i): np.asarray(each) for i, each in enumerate(value)}
        return arrays, "the weights have no names (a TF policy's list)"
    if not isinstance(value, Mapping):
        return {}, f"the policy's state has no weights, but {value!r}"
    arrays = {}
    for name, each in value.items():
        if isinstance(each, np.ndarray | np.generic | float | int):
            arrays[str(name)] = np.asarray(each)
    left = len(value) - len(arrays)
    return arrays, f"{left} of {len(value)} weights are no arrays" if left else ""
