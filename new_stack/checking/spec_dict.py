"""Specs by nested key."""

from __future__ import annotations

from typing import Any

from rlmigrate.new_stack.checking.nested_dict import NestedDict
from rlmigrate.new_stack.checking.specs import Spec, TypeSpec


class SpecDict(NestedDict, Spec):
    """A nested dict of specs, types and None (which asks for the key only)."""

    def validate(self, data: Any, exact_match: bool = False) -> None:
        """Check that data have all keys and fulfil all specs.

        Raises ValueError once for all that does not match; with `exact_match` for keys of the data
        that have no spec, too.
        """
        flat = NestedDict(data)
        problems = []
        for key in self:
            where = "/".join(key)
            if key not in flat:
                problems.append(f"{where!r} is missing; expected {_form(self[key])}")
                continue
            try:
                _check(self[key], flat[key])
            except ValueError as error:
                problems.append(f"{where!r}: {error}")
        if exact_match:
            extra = sorted("/".join(key) for key in flat if key not in self)
            problems += [f"{where!r} has no spec" for where in extra]
        if problems:
            found = ["/".join(map(str, key)) for key in flat]
            raise ValueError(f"{'; '.join(problems)} (keys found: {found})")


def _check(spec: Any, value: Any) -> None:
    if spec is None or (isinstance(spec, NestedDict) and not spec):
        return
    if isinstance(spec, (type, tuple)):
        spec = TypeSpec(spec)
    if not isinstance(spec, Spec):
        raise ValueError(f"a spec is a Spec, a type or None, not {spec!r}")
    spec.validate(value)


def _form(spec: Any) -> str:
    if spec is None or (isinstance(spec, NestedDict) and not spec):
        return "anything"
    return repr(TypeSpec(spec) if isinstance(spec, (type, tuple)) else spec)
