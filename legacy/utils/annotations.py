"""Decorators that mark methods and classes; all but `override` and `is_overridden` only mark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


def override(parent_cls: type) -> Callable[[_T], _T]:
    """Check that the parent class has a method of that name.

    Raises NameError if it has not. A class that only stands for one of Ray's is not asked.
    """

    def check(method: _T) -> _T:
        name = getattr(method, "__name__", "")
        if name not in dir(parent_cls) and not getattr(parent_cls, "__stands_in__", False):
            raise NameError(f"@override({parent_cls.__name__}): {name}() is not a method of it")
        return method

    return check


def _unchanged(obj: Any = None, **kwargs: Any) -> Any:
    """Mark only; gives the object itself, also as `@PublicAPI(stability="alpha")`."""
    return _unchanged if obj is None else obj


PublicAPI = DeveloperAPI = ExperimentalAPI = OldAPIStack = _unchanged


def OverrideToImplementCustomLogic(obj: _T) -> _T:
    """Mark a method that users override.

    RLlib looks for this mark to tell whether a hook is overridden, so a user's override
    that carries the decorator, as RLlib's own guides show it, is ignored there. Here hooks
    are compared with the base class's, and the decorator changes nothing.
    """
    return obj


OverrideToImplementCustomLogic_CallToSuperRecommended = OverrideToImplementCustomLogic


def overridden_in(cls: type, base: type, name: str) -> bool:
    """Tell whether `cls` brings its own method `name` instead of the base class's."""
    return getattr(cls, name, None) is not getattr(base, name, None)


def is_overridden(obj: Callable[..., Any]) -> bool:
    """Tell whether a method is not one of this package's own."""
    module = getattr(obj, "__module__", "") or ""
    return not module.startswith("rlmigrate.legacy")
