"""wrap_model: make an RLModule class of a legacy model class."""

from __future__ import annotations

import abc
import copyreg
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rlmigrate.compat.wrap.module import WrappedModel
from rlmigrate.compat.wrap.stacks import (
    StackChoice,
    StackName,
    family_of,
    resolve_stack,
    stack_named,
)

_made: dict[tuple[object, ...], type] = {}


class WrappedModelType(abc.ABCMeta):
    """The class of wrapped classes, which pickles them even where no module names them."""


def wrap_model(
    model_class: type,
    *,
    stack: StackChoice = "auto",
    name: str | None = None,
    model_config: Mapping[str, Any] | None = None,
) -> type[Any]:
    """Make an RLModule class that runs a legacy torch model, unchanged.

    `model_config` gives defaults below the config of each RLModuleSpec; the class is named
    `name` (default: as the legacy class) and belongs to the caller's module. TorchModelV2 itself
    stands for the default model that the old catalog picks. Raises WrapError
    if `model_class` is no ModelV2, MissingDependency if `stack="ray"` and Ray is missing.

    >>> spec = RLModuleSpec(module_class=wrap_model(MyModel),
    ...                     model_config={"custom_model_config": {"width": 64}})
    ... # doctest: +SKIP
    """
    family_of(model_class)
    caller = sys._getframe(1).f_globals.get("__name__", model_class.__module__)
    return _wrapped(
        model_class,
        resolve_stack(stack),
        name or model_class.__name__,
        caller,
        dict(model_config or {}),
    )


def _wrapped(
    model_class: type, stack: StackName, name: str, module: str, config: dict[str, Any]
) -> type[Any]:
    """Make the class, or return the one made from the same arguments before."""
    key = (model_class, stack, name, module, repr(sorted(config.items())))
    if key not in _made:
        parts = stack_named(stack)
        _made[key] = WrappedModelType(
            name,
            (WrappedModel, parts.value_function_api, parts.module),
            {
                "__module__": module,
                "__qualname__": name,
                "__doc__": f"{model_class.__qualname__}, a legacy model, as an RLModule.",
                "legacy_class": model_class,
                "legacy_model_config": MappingProxyType(config),
                "stack_name": stack,
            },
        )
    return _made[key]


def _reduce(wrapped: WrappedModelType) -> str | tuple[Any, ...]:
    """Pickle by name where the name leads back to the class, else by what it was made from."""
    home = sys.modules.get(wrapped.__module__)
    if getattr(home, wrapped.__qualname__, None) is wrapped or "legacy_class" not in vars(wrapped):
        return wrapped.__qualname__
    made: Any = wrapped
    return _wrapped, (
        made.legacy_class,
        made.stack_name,
        made.__name__,
        made.__module__,
        dict(made.legacy_model_config),
    )


copyreg.pickle(WrappedModelType, _reduce)  # type: ignore[arg-type]
