"""Check what methods take and return against specs."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from rlmigrate.errors import SpecViolation
from rlmigrate.new_stack.checking.spec_dict import SpecDict
from rlmigrate.new_stack.checking.specs import Spec, TypeSpec

logger = logging.getLogger(__name__)

NestedKeys = list[Any]
Constraint = Any
# A list of keys (strings, or tuples for nested ones), a dict of specs, a type or a Spec.
SpecType = Any


class SpecCheckingError(SpecViolation):
    """A batch or outputs do not match the declared specs."""


def convert_to_canonical_format(spec: SpecType) -> Any:
    """Turn a spec as users write it into a Spec.

    >>> convert_to_canonical_format(["obs", ("state", "h")])
    SpecDict({'obs': None, 'state': SpecDict({'h': None})})
    """
    if isinstance(spec, list):
        return SpecDict([(key if isinstance(key, tuple) else (key,), None) for key in spec])
    if isinstance(spec, Mapping):
        canonical = SpecDict(spec)
        for key in list(canonical):
            value = canonical[key]
            if isinstance(value, (type, tuple)):
                canonical[key] = TypeSpec(value)
            elif isinstance(value, list):
                canonical[key] = convert_to_canonical_format(value)
        return canonical
    return TypeSpec(spec) if isinstance(spec, type) else spec


def validate(owner: object, method: str, data: Any, spec: SpecType, *, tag: str) -> None:
    """Check data against a spec as users write it.

    Raises SpecCheckingError, which names the owner's class and the method.
    """
    if spec is None:
        return
    canonical: Spec = convert_to_canonical_format(spec)
    where = f"{tag} of {type(owner).__name__}.{method}"
    if isinstance(canonical, SpecDict) and not isinstance(data, Mapping):
        raise SpecCheckingError(f"{where}: expected a mapping, found {type(data).__name__}")
    try:
        canonical.validate(data)
    except ValueError as error:
        raise SpecCheckingError(f"{where}: {error}") from error


def check_input_specs(
    input_specs: str, *, only_check_on_retry: bool = True, filter: bool = False, cache: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a method to check its first argument against the spec in an attribute.

    Args:
        input_specs: The name of the attribute.
        only_check_on_retry: Check after the method has raised, to explain why.
        filter: Pass on what the spec names, and nothing else.
        cache: Check the first call only.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def checked(self: Any, data: Any, **kwargs: Any) -> Any:
            name = function.__name__
            done: set[str] = self.__dict__.setdefault("_checked_input_specs", set())
            if only_check_on_retry:
                try:
                    return function(self, data, **kwargs)
                except SpecCheckingError:
                    raise
                except Exception:
                    logger.error("%s raised; checking its input against its specs", name)
                    validate(self, name, data, _spec(self, input_specs), tag="input")
                    raise
            spec = _spec(self, input_specs)
            if not cache or name not in done:
                validate(self, name, data, spec, tag="input")
                done.add(name)
            if filter and spec is not None:
                from rlmigrate.new_stack.checking.nested_dict import NestedDict

                data = NestedDict(data).filter(convert_to_canonical_format(spec)).asdict()
            return function(self, data, **kwargs)

        checked.__checked_input_specs__ = True  # type: ignore[attr-defined]
        return checked

    return decorate


def check_output_specs(
    output_specs: str, *, cache: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a method to check what it returns against the spec in an attribute.

    Args:
        output_specs: The name of the attribute.
        cache: Check the first call only.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def checked(self: Any, data: Any, **kwargs: Any) -> Any:
            outputs = function(self, data, **kwargs)
            done: set[str] = self.__dict__.setdefault("_checked_output_specs", set())
            if not cache or function.__name__ not in done:
                spec = _spec(self, output_specs)
                validate(self, function.__name__, outputs, spec, tag="output")
                done.add(function.__name__)
            return outputs

        checked.__checked_output_specs__ = True  # type: ignore[attr-defined]
        return checked

    return decorate


def _spec(owner: object, attribute: str) -> SpecType:
    if not hasattr(owner, attribute):
        raise SpecCheckingError(f"{type(owner).__name__} has no attribute {attribute!r}")
    return getattr(owner, attribute)


def is_input_decorated(obj: object) -> bool:
    """Tell whether a function checks its input."""
    return hasattr(obj, "__checked_input_specs__")


def is_output_decorated(obj: object) -> bool:
    """Tell whether a function checks its output."""
    return hasattr(obj, "__checked_output_specs__")
