"""Helpers that code of the old stack imports from `ray.rllib.utils`."""

# No `from __future__ import annotations`: that name would hide the module of this package.
import contextlib
import copy
from typing import Any

NullContextManager = contextlib.nullcontext


def force_list(elements: Any = None, to_tuple: bool = False) -> Any:
    """Wrap a single thing into a list (or tuple); None becomes an empty one.

    >>> force_list((1, 2)), force_list(3), force_list()
    ([1, 2], [3], [])
    """
    kind: Any = tuple if to_tuple else list
    if elements is None:
        return kind()
    return kind(elements) if isinstance(elements, list | set | tuple) else kind([elements])


def force_tuple(elements: Any = None) -> Any:
    """Wrap a single thing into a tuple; None becomes an empty one."""
    return force_list(elements, to_tuple=True)


def merge_dicts(d1: dict[str, Any], d2: dict[str, Any]) -> dict[str, Any]:
    """Copy `d1`, and put in `d2`, dicts within dicts included."""
    return deep_update(copy.deepcopy(d1), d2, new_keys_allowed=True)


def deep_update(
    original: dict[str, Any],
    new_dict: dict[str, Any],
    new_keys_allowed: bool = False,
    allow_new_subkey_list: list[str] | None = None,
    override_all_if_type_changes: list[str] | None = None,
    override_all_key_list: list[str] | None = None,
) -> dict[str, Any]:
    """Put `new_dict` into `original` in place, dicts within dicts included.

    new_keys_allowed: whether keys may be new, at any level.
    allow_new_subkey_list: keys below which they may.
    override_all_if_type_changes: keys whose dict is replaced when its "type" changes.
    override_all_key_list: keys whose dict is always replaced.
    """
    for key, value in new_dict.items():
        if key not in original and not new_keys_allowed:
            raise KeyError(f"unknown setting {key!r}; known are {sorted(map(str, original))}")
        held = original.get(key)
        replaced = key in (override_all_key_list or [])
        if key in (override_all_if_type_changes or []) and isinstance(value, dict):
            kinds = [part.get("type") for part in (value, held) if isinstance(part, dict)]
            replaced = replaced or (len(kinds) == 2 and "type" in value and kinds[0] != kinds[1])
        if isinstance(held, dict) and isinstance(value, dict) and not replaced:
            allowed = new_keys_allowed or key in (allow_new_subkey_list or [])
            deep_update(held, value, allowed)
        else:
            original[key] = value
    return original
