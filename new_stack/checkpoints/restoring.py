"""Take states, or whole modules, from a checkpoint of any release."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlmigrate.errors import CheckpointError
from rlmigrate.new_stack.checkpoints import unpickling
from rlmigrate.new_stack.checkpoints.checkpointable import Checkpointable
from rlmigrate.new_stack.checkpoints.layouts import existing, read_old_metadata, read_state
from rlmigrate.new_stack.checkpoints.types import name_to_type, unknown_class
from rlmigrate.new_stack.era import accepts
from rlmigrate.new_stack.state import StateReport


def restore(target: Any, path: str | os.PathLike[str], *, component: str | None) -> StateReport:
    """Load the states of a checkpoint into a module, or of one component; report the rest.

    As in Ray, with `component` the path is that of the component's own directory.

    Raises FileNotFoundError if the directory is missing, CheckpointError for an unknown component.
    """
    directory = existing(path)
    parts = dict(target.get_checkpointable_components())
    if component is not None:
        name, _, below = component.partition("/")
        if name not in parts:
            raise CheckpointError(f"no component {name!r}; there are {sorted(parts)}")
        return _report(parts[name].restore_from_path(directory, component=below or None), name)
    report = StateReport()
    for name, part in parts.items():
        place = _component_directory(directory, name)
        if place is not None:
            report += _report(part.restore_from_path(place), name)
        else:
            report += StateReport(missing=(name,))
    if not parts or _has_own_state(directory):
        report += _report(target.set_state(read_state(directory, target.STATE_FILE_NAME)), "")
    return report


def _report(returned: object, name: str) -> StateReport:
    if not isinstance(returned, StateReport):
        return StateReport()
    return returned.under(name) if name else returned


def _component_directory(directory: Path, name: str) -> Path | None:
    for place in (directory / name, directory / "module_state_dir" / name):
        if place.is_dir():
            return place
    return None


def _has_own_state(directory: Path) -> bool:
    try:
        read_state(directory)
    except CheckpointError:
        return False
    return True


def build(
    base: Any,
    path: str | os.PathLike[str],
    *,
    module_classes: Mapping[str, type],
    overrides: Mapping[str, Any],
) -> Any:
    """Build the module that a checkpoint holds and load its state.

    Raises CheckpointError if its class is not known, is no subclass of `base`, or its constructor's
    arguments are of a class that is not known.
    """
    directory = existing(path)
    old = read_old_metadata(directory)
    if old is not None:
        built = _build_from_old(old, module_classes, overrides)
    else:
        built = _build_from_arguments(base, directory, module_classes, overrides)
    if not isinstance(built, base):
        raise CheckpointError(
            f"{directory} holds a {type(built).__name__}, which is no {base.__name__}"
        )
    restore(built, directory, component=None)
    return built


def _build_from_old(
    metadata: Mapping[str, Any], module_classes: Mapping[str, type], overrides: Mapping[str, Any]
) -> Any:
    spec_class: Any = name_to_type(metadata["module_spec_class"])
    spec = spec_class.from_dict(metadata["module_spec_dict"], module_classes=module_classes)
    for name, value in overrides.items():
        setattr(spec, name, value)
    return spec.build()


def _build_from_arguments(
    base: Any,
    directory: Path,
    module_classes: Mapping[str, type],
    overrides: Mapping[str, Any],
) -> Any:
    file = directory / base.CLASS_AND_CTOR_ARGS_FILE_NAME
    if not file.is_file():
        raise CheckpointError(f"{directory} is no checkpoint of a module: it has no {file.name}")
    info = unpickling.loads(file.read_bytes(), module_classes=module_classes)
    cls = info["class"]
    args, kwargs = info["ctor_args_and_kwargs"]
    for value in (cls, *_leaves([args, kwargs])):
        if isinstance(value, unpickling.Refused):
            raise unknown_class(value.name)
    if not (isinstance(cls, type) and issubclass(cls, Checkpointable)):
        raise CheckpointError(f"{file}: {cls!r} is no class of a module")
    if len(args) == 1 and not accepts(until="2.38"):
        kwargs = {**_keywords(args[0]), **kwargs}
        args = ()
    return cls(*args, **{**kwargs, **overrides})


def _keywords(config: Any) -> dict[str, Any]:
    """Spell out the config object that constructors took up to 2.38.

    Raises CheckpointError for any other object.
    """
    from rlmigrate.new_stack.multi_specs import MultiRLModuleConfig
    from rlmigrate.new_stack.specs import RLModuleConfig

    if isinstance(config, RLModuleConfig):
        names = ("observation_space", "action_space", "inference_only", "learner_only")
        keywords = {name: getattr(config, name) for name in (*names, "catalog_class")}
        return {**keywords, "model_config": config.model_config_dict}
    if isinstance(config, MultiRLModuleConfig):
        specs = dict(config.modules)
        for spec in specs.values():
            if spec.model_config is None:
                spec.model_config = getattr(spec, "model_config_dict", None)
        return {"rl_module_specs": specs, "inference_only": config.inference_only}
    raise CheckpointError(
        f"a module was built from a {type(config).__name__}; expected keyword arguments, or the "
        "config object of a release up to 2.38"
    )


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in _leaves(part)]
    if type(value).__name__ == "RLModuleSpec":
        return _leaves(vars(value))
    return [value]
