"""What a person wrote as one argument of a call: its value, and the comments that belong to it.

value_text    the value, with the parentheses that a long one stands in
comments_of   where the comments begin, and what they say
"""

from __future__ import annotations

import ast
import re

from rlmigrate.migrate.source import SourceFile


def value_text(source: SourceFile, argument: ast.expr | ast.keyword, value: ast.expr) -> str:
    """Return the text of an argument's value."""
    if isinstance(argument, ast.keyword):
        return source.segment(argument).partition("=")[2].strip()
    return source.segment(value)


def comments_of(
    source: SourceFile, argument: ast.expr | ast.keyword, following: ast.expr | ast.keyword | None
) -> tuple[int, tuple[str, ...]]:
    """Return the offset of the argument's first line, comments included, and its comments.

    Comments right above an argument are its own, unless `following`, which stays, stands on the
    next line and they share no word with the argument's name: they may speak of both then. What
    stands on the argument's own line behind it comes last.
    """
    lines = source.text.splitlines()
    first, last = argument.lineno, argument.end_lineno or argument.lineno
    at = first - 1
    above: list[str] = []
    while at and lines[at - 1].lstrip().startswith("#"):
        above.insert(0, lines[at - 1].strip())
        at -= 1
    of_both = following is not None and following.lineno == last + 1
    if of_both and not _names(above, argument):
        at, above = first - 1, []
    end = source.span(argument).end
    behind = source.text[end : source.line_span(last, last).end].strip(" \t\r\n,")
    if behind.startswith("#"):
        above.append(behind)
    return source.line_span(at + 1, at + 1).start, tuple(above)


def _names(comments: list[str], argument: ast.expr | ast.keyword) -> bool:
    name = argument.arg if isinstance(argument, ast.keyword) and argument.arg else ""
    said = set(re.findall(r"[a-z]{3,}", " ".join(comments).lower()))
    return bool(said & set(re.findall(r"[a-z]{3,}", name.lower())))
