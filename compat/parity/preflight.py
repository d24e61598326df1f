"""What both sides run on; differences are said before any number."""

from __future__ import annotations

from collections.abc import Mapping

#: Facts that may differ without a word: a module holds its weights under other names.
_QUIET = {"weights", "stack"}


def preflight(
    old: Mapping[str, str], new: Mapping[str, str]
) -> tuple[tuple[tuple[str, str, str], ...], tuple[str, ...]]:
    """Give a table of facts, and a note for each that differs."""
    names = [*old, *(name for name in new if name not in old)]
    rows = tuple((name, old.get(name, "-"), new.get(name, "-")) for name in names)
    notes = tuple(
        f"{name} differs: legacy {left}, new {right}"
        for name, left, right in rows
        if left != right and name not in _QUIET and "-" not in (left, right)
    )
    return rows, notes
