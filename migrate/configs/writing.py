"""Write calls and dicts as a person would: on one line where they fit, else one item a line.

Piece     a call or a dict to be written
write     its text, for a column and an indentation
reindent  the user's own text, moved to another indentation
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

WIDTH = 96


@dataclass(frozen=True)
class Piece:
    """`head(items)` or `{items}`; an item is a label ("name=", '"key": ') and its value.

    Lines of comments may stand above the name in a label.
    """

    head: str
    items: tuple[tuple[str, Piece | str], ...]
    close: str = ")"


def call(head: str, **arguments: Piece | str) -> Piece:
    """Describe a call with keyword arguments.

    >>> write(call("f", a="1"))
    'f(a=1)'
    """
    return Piece(f"{head}(", tuple((f"{name}=", value) for name, value in arguments.items()))


def mapping(entries: list[tuple[str, Piece | str]]) -> Piece:
    """Describe a dict; labels hold their own colon, `**` spreads."""
    return Piece("{", tuple(entries), "}")


def write(piece: Piece | str, *, indent: str = "", column: int | None = None, tail: int = 1) -> str:
    """Render a piece that begins at `column`; further lines stand at `indent` and deeper.

    `tail` is the room that must stay free behind it.
    """
    if isinstance(piece, str):
        return reindent(piece, indent)
    flat = _flat(piece)
    start = len(indent) if column is None else column
    if "\n" not in flat and start + len(flat) + tail <= WIDTH:
        return flat
    inner = indent + "    "
    lines = [piece.head]
    for label, value in piece.items:
        *comments, name = label.split("\n")
        lines += [inner + comment for comment in comments]
        text = write(value, indent=inner, column=len(inner) + len(name))
        lines.append(f"{inner}{name}{text},")
    return "\n".join([*lines, indent + piece.close])


def _flat(piece: Piece | str) -> str:
    if isinstance(piece, str):
        return piece
    body = ", ".join(f"{label}{_flat(value)}" for label, value in piece.items)
    return f"{piece.head}{body}{piece.close}"


def reindent(text: str, indent: str) -> str:
    """Move the second and later lines of a text so that the last one stands at `indent`.

    Text whose lines hold a string over several lines is given back as it is.
    """
    head, newline, rest = text.partition("\n")
    if not newline or '"""' in text or "'''" in text:
        return text
    last = rest.rsplit("\n", 1)[-1]
    now = last[: len(last) - len(last.lstrip())]
    lines = [
        indent + line[len(now) :] if line.startswith(now) else line for line in rest.split("\n")
    ]
    return head + "\n" + "\n".join(line if line.strip() else "" for line in lines)


def wrapped(text: str) -> str:
    """Fold white space, for messages."""
    return textwrap.shorten(" ".join(text.split()), 60, placeholder="...")
