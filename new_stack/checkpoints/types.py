"""Classes as names and back, without importing what a name says."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rlmigrate.errors import CheckpointError
from rlmigrate.new_stack.checkpoints.ray_classes import class_for, ray_name_of


def type_to_name(cls: type | str) -> str:
    """Return the dotted name of a class: Ray's for those of ours that Ray has."""
    if isinstance(cls, str):
        return cls
    return ray_name_of(cls) or f"{cls.__module__}.{cls.__qualname__}"


def name_to_type(name: object, *, module_classes: Mapping[str, type] | None = None) -> type:
    """Return the class of a dotted name: one of `module_classes`, of RLlib's, or loaded already.

    Raises CheckpointError for a class that would have to be imported, or is no module or catalog.
    """
    if isinstance(name, type):
        return name
    if not isinstance(name, str):
        raise CheckpointError(f"not the name of a class: {name!r}")
    if module_classes and name in module_classes:
        return module_classes[name]
    found = class_for(name) or _loaded(name)
    if found is None:
        raise unknown_class(name)
    return found


def unknown_class(name: str) -> CheckpointError:
    """Make the error for a class that only its owner can name."""
    last = name.rpartition(".")[2]
    return CheckpointError(
        f"the class {name} is not RLlib's, and nothing is imported because a file names it; "
        f'pass it: module_classes={{"{name}": {last}}}'
    )


def _loaded(name: str) -> type | None:
    from rlmigrate.new_stack.catalog.catalog import Catalog
    from rlmigrate.new_stack.rl_module import RLModule

    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        found: object = sys.modules.get(".".join(parts[:cut]))
        if found is None:
            continue
        for part in parts[cut:]:
            found = vars(found).get(part) if hasattr(found, "__dict__") else None
        if isinstance(found, type) and issubclass(found, (RLModule, Catalog)):
            return found
    return None
