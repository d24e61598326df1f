"""convert_checkpoint: old Policy and Algorithm checkpoints to RLModule checkpoints."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym

from rlmigrate.compat.checkpoints.building import build_module
from rlmigrate.compat.checkpoints.defaults import Plan
from rlmigrate.compat.checkpoints.filters import connector_state
from rlmigrate.compat.checkpoints.optimizer import OPTIMIZER_FILE, learner_optimizer_state
from rlmigrate.compat.checkpoints.plans import NO_SPACES, outlook
from rlmigrate.compat.checkpoints.reading import OldCheckpoint, OldPolicy, read_checkpoint
from rlmigrate.compat.checkpoints.report import ConversionReport, PolicyConversion
from rlmigrate.compat.checkpoints.tf_weights import with_names
from rlmigrate.compat.weights import transfer_weights
from rlmigrate.errors import CheckpointError, UnsafeCheckpoint, WeightsError
from rlmigrate.new_stack.checkpoints import pickling

Spaces = tuple["gym.Space[Any]", "gym.Space[Any]"]
_POLICY_ID = re.compile(r"[^<>:\"/\\|?*\x00-\x1f]{1,200}")
FILTER_FILE = "mean_std_filter.json"


def convert_checkpoint(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    module_classes: Mapping[str, type] | type | None = None,
    spaces: Mapping[str, Spaces] | Spaces | None = None,
    mapping: Mapping[str, str | None] | None = None,
    optimizer: bool = False,
) -> ConversionReport:
    """Write the policies of an old checkpoint as RLModule checkpoints.

    A Policy becomes one module, an Algorithm a MultiRLModule with a module for each policy.
    Default nets become RLlib's new default module, or the old default model wrapped where that
    would not compute the same. `module_classes` names the migrated class of a custom model, one
    for all or by policy id; `spaces` gives (observation, action) spaces where the checkpoint or
    its release did not keep them; `mapping` renames parameters as in `transfer_weights`;
    `optimizer` asks for the optimizer's state too, in a file whose content
    `learner.set_state({"optimizer": ...})` takes.

    Runs no code from the checkpoint. Raises CheckpointError if `source` cannot be read or
    `target` exists; nothing is left behind then.
    """
    old = read_checkpoint(Path(source).expanduser())
    out = Path(target).expanduser().absolute()
    _check_arguments(old, module_classes, spaces)
    if out.exists():
        raise CheckpointError(f"{out} exists already; name a directory that does not")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise CheckpointError(f"cannot write to {out.parent}: {error.strerror}") from error
    try:
        done = _convert_all(old, scratch, module_classes, spaces, mapping, optimizer)
        scratch.chmod(0o755)
        scratch.rename(out)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    policies = tuple(
        replace(
            policy,
            path=policy.path.replace(str(scratch), str(out)),
            filter_path=policy.filter_path.replace(str(scratch), str(out)),
            optimizer_path=policy.optimizer_path.replace(str(scratch), str(out)),
        )
        for policy in done
    )
    return ConversionReport(str(source), str(out), old.kind, old.ray_version, policies)


def _check_arguments(
    old: OldCheckpoint,
    module_classes: Mapping[str, type] | type | None,
    spaces: Mapping[str, Spaces] | Spaces | None,
) -> None:
    """Raise CheckpointError for policies that the checkpoint has not, and for other classes."""
    for argument, given in (("module_classes", module_classes), ("spaces", spaces)):
        unknown = sorted(set(given) - set(old.policies)) if isinstance(given, Mapping) else []
        if unknown:
            known = sorted(map(str, old.policies))
            raise CheckpointError(f"{argument} names {unknown}; the checkpoint's policies: {known}")
    named = module_classes.values() if isinstance(module_classes, Mapping) else [module_classes]
    for each in named:
        if each is not None and not (isinstance(each, type) and hasattr(each, "forward_inference")):
            raise CheckpointError(f"module_classes: {each!r:.100} is no RLModule class")


def _convert_all(
    old: OldCheckpoint,
    out: Path,
    module_classes: Mapping[str, type] | type | None,
    spaces: Mapping[str, Spaces] | Spaces | None,
    mapping: Mapping[str, str | None] | None,
    optimizer: bool,
) -> list[PolicyConversion]:
    done = []
    modules: dict[str, Any] = {}
    for policy_id, found in old.policies.items():
        folder = out if old.kind == "policy" else out / _folder_name(policy_id)
        folder.mkdir(exist_ok=True)
        given = spaces.get(policy_id) if isinstance(spaces, Mapping) else spaces
        policy = found if given is None else _with_spaces(found, given)
        if isinstance(module_classes, Mapping):
            module_class = module_classes.get(policy_id)
        else:
            module_class = module_classes
        conversion, module = _convert_policy(policy, folder, module_class, mapping, optimizer)
        if module is not None:
            modules[policy_id] = module
        done.append(conversion)
    if old.kind == "algorithm" and len(modules) == len(old.policies):
        _write_multi(modules, out)
    return done


def _folder_name(policy_id: object) -> str:
    """Return a policy's ID, which names its folder.

    Raises UnsafeCheckpoint if it would lead elsewhere; RLlib refuses such IDs too.
    """
    if isinstance(policy_id, str) and _POLICY_ID.fullmatch(policy_id) and policy_id.strip("."):
        return policy_id
    raise UnsafeCheckpoint(f"policy ID {policy_id!r} is no name for a folder; nothing was written")


def _with_spaces(policy: OldPolicy, given: Spaces) -> OldPolicy:
    """Take the caller's spaces, which are raw ones, preprocessed as the old stack did."""
    from rlmigrate.legacy.catalog import ModelCatalog

    preprocessor = ModelCatalog.get_preprocessor_for_space(given[0])
    return replace(policy, observation_space=preprocessor.observation_space, action_space=given[1])


def _convert_policy(
    policy: OldPolicy,
    folder: Path,
    module_class: type | None,
    mapping: Mapping[str, str | None] | None,
    optimizer: bool,
) -> tuple[PolicyConversion, Any]:
    policy = with_names(policy)
    filter_path = _write_filter(policy, folder)
    plan, problem = outlook(policy)
    if module_class is not None:
        plan = Plan("none", notes=() if policy.action_space is not None else (NO_SPACES,))
    notes = (problem, *plan.notes) if problem else plan.notes
    module = None if policy.action_space is None else build_module(policy, plan, module_class)
    if module is None:
        _write_state(policy, folder)
        return PolicyConversion(
            policy.policy_id, "state only", str(folder), filter_path=filter_path, notes=notes
        ), None
    name = f"{type(module).__module__}.{type(module).__qualname__}"
    try:
        transfer = transfer_weights(policy.weights, module, mapping=mapping)
    except WeightsError as error:
        _write_state(policy, folder)
        return PolicyConversion(
            policy.policy_id,
            "failed",
            str(folder),
            name,
            filter_path=filter_path,
            notes=(*notes, str(error)),
        ), None
    module.save_to_path(str(folder), state=_views(module))
    optimizer_path = ""
    if optimizer:
        state, problem = learner_optimizer_state(policy, module, transfer)
        if state is None:
            notes += (f"optimizer state left out: {problem}",)
        else:
            file = folder / OPTIMIZER_FILE
            file.write_bytes(pickling.dumps(state))
            optimizer_path = str(file)
    done = PolicyConversion(
        policy.policy_id,
        "converted",
        str(folder),
        name,
        transfer,
        filter_path,
        optimizer_path,
        notes,
    )
    return done, module


def _views(module: Any) -> dict[str, Any]:
    """Return the module's state; arrays of its parameters' own memory, not copies of it."""
    return {
        name: value.item() if value.ndim == 0 else value.numpy()
        for name, value in module.state_dict().items()
    }


def _write_filter(policy: OldPolicy, folder: Path) -> str:
    state = connector_state(policy.filter_state)
    if state is None:
        return ""
    path = folder / FILTER_FILE
    path.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    return str(path)


def _write_state(policy: OldPolicy, folder: Path) -> None:
    """Write the weights under their old names, for `module.restore_from_path`."""
    (folder / "module_state.pkl").write_bytes(pickling.dumps(dict(policy.weights)))


def _write_multi(modules: Mapping[str, Any], out: Path) -> None:
    """Make the folder of all modules a MultiRLModule checkpoint itself."""
    from rlmigrate.new_stack import MultiRLModule, MultiRLModuleSpec, RLModuleSpec

    specs = {
        policy_id: RLModuleSpec(
            module_class=type(module),
            observation_space=module.observation_space,
            action_space=module.action_space,
            inference_only=False,
            model_config=module.model_config,
            catalog_class=type(module.catalog) if module.catalog is not None else None,
        )
        for policy_id, module in modules.items()
    }
    multi: Any = MultiRLModuleSpec(rl_module_specs=specs)
    ctor = {
        "class": MultiRLModule,
        "ctor_args_and_kwargs": (
            (),
            {
                "observation_space": None,
                "action_space": None,
                "inference_only": False,
                "model_config": None,
                "rl_module_specs": multi.rl_module_specs,
            },
        ),
    }
    (out / "class_and_ctor_args.pkl").write_bytes(pickling.dumps(ctor))
    (out / "module_state.pkl").write_bytes(pickling.dumps({}))
    first = next(iter(modules))
    shutil.copy(out / first / "metadata.json", out / "metadata.json")
