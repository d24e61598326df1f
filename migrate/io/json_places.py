"""Where the values of a JSON text stand, so that one can change and all other bytes stay.

members   the members of an object, by key
elements  the elements of an array
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from rlmigrate.migrate.source import Span

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def members(text: str, start: int = 0) -> dict[str, Span]:
    """Find the members of the object that begins at `start`, in JSON that is known to be valid.

    >>> {key: text[slice(*span)] for text in ['{"a": [1]}'] for key, span in members(text).items()}
    {'a': '[1]'}
    """
    found = {}
    for at in _items(text, start, "{}"):
        key, end = _DECODER.raw_decode(text, at)
        value = _after(text, _after(text, end) + 1)
        found[key] = Span(value, _DECODER.raw_decode(text, value)[1])
    return found


def elements(text: str, start: int) -> list[Span]:
    """Find the elements of the array that begins at `start`."""
    return [Span(at, _DECODER.raw_decode(text, at)[1]) for at in _items(text, start, "[]")]


def _items(text: str, start: int, brackets: str) -> Iterator[int]:
    """Yield where each member or element begins."""
    at = _after(text, start)
    if text[at] != brackets[0]:
        return
    at = _after(text, at + 1)
    while text[at] != brackets[1]:
        yield at
        end = _DECODER.raw_decode(text, at)[1]
        if brackets == "{}":
            value = _after(text, _after(text, end) + 1)
            end = _DECODER.raw_decode(text, value)[1]
        at = _after(text, end)
        if text[at] == ",":
            at = _after(text, at + 1)


def _after(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space is not None else at
