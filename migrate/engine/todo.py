"""Markers above what must be done by hand.

    # TODO(rlmigrate RLM402): what to do.
    #     more of it.

Marker       one such comment in a file
markers      all markers of a text
todo_edits   the edits that bring a file's markers in line with its manual items
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.source import SourceFile, Span

FIRST = re.compile(r"^([ \t]*)# TODO\(rlmigrate (RLM\d{3})\): (.*?)\s*$")
MORE = re.compile(r"^([ \t]*)#     +(\S.*?)\s*$")
WIDTH = 96


@dataclass(frozen=True)
class Marker:
    """One marker; lines count from 1."""

    code: str
    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Todo:
    """What a marker must say, and the line of what it is about."""

    line: int
    code: str
    text: str


def markers(text: str) -> list[Marker]:
    """Find the markers of a text, each with its continuation lines."""
    if "TODO(rlmigrate" not in text:
        return []
    found: list[Marker] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        match = FIRST.match(lines[at])
        at += 1
        if match is None:
            continue
        first, words = at, [match[3]]
        while at < len(lines) and (more := MORE.match(lines[at])) and more[1] == match[1]:
            words.append(more[2])
            at += 1
        found.append(Marker(match[2], " ".join(words), first, at))
    return found


def render(code: str, text: str, indent: str, *, width: int = WIDTH) -> str:
    """Write a marker at an indentation; it ends with a newline."""
    head = f"{indent}# TODO(rlmigrate {code}): "
    lines = textwrap.wrap(
        " ".join(text.split()),
        width=min(width, WIDTH),
        initial_indent=head,
        subsequent_indent=f"{indent}#     ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) + "\n"


def todo_edits(source: SourceFile, todos: Sequence[Todo]) -> list[Edit]:
    """Return the edits that put each marker above its statement, once."""
    wanted: dict[tuple[int, str], list[str]] = {}
    starts = _statement_starts(source.tree)
    for todo in todos:
        key = (_start_of(starts, todo.line), todo.code)
        text = " ".join(todo.text.split())
        if text not in wanted.setdefault(key, []):
            wanted[key].append(text)
    existing = markers(source.text)
    lines = source.text.splitlines()
    edits: list[Edit] = []
    for (line, code), texts in sorted(wanted.items()):
        here = [m for m in existing if m.code == code and _touches(existing, m, line)]
        if sorted(m.text for m in here) == sorted(texts):
            continue
        edits += [Edit(source.line_span(m.first, m.last), "", code) for m in here]
        at = source.line_span(line, line).start
        indent = re.match(r"[ \t]*", lines[line - 1] if line <= len(lines) else "")
        space = indent[0] if indent else ""
        said = (render(code, text, space, width=source.width) for text in texts)
        edits.append(Edit(Span(at, at), "".join(said), code))
    return edits


def _touches(existing: list[Marker], marker: Marker, line: int) -> bool:
    """Tell whether only markers stand between `marker` and `line`."""
    at = marker.last + 1
    following = {other.first: other.last for other in existing}
    while at != line:
        if at not in following:
            return False
        at = following[at] + 1
    return True


def _statement_starts(tree: ast.Module) -> list[tuple[int, int, int]]:
    """Line ranges of statements, `(first line, last line, line to mark)`."""
    found: list[tuple[int, int, int]] = []
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            decorators = getattr(node, "decorator_list", None) or [node]
            first = min(item.lineno for item in decorators)
            found.append((first, node.end_lineno or node.lineno, first))
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            stack.extend(
                child
                for child in ast.iter_child_nodes(node)
                if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case)
            )
    return found


def _start_of(starts: list[tuple[int, int, int]], line: int) -> int:
    inside = [(last - first, mark) for first, last, mark in starts if first <= line <= last]
    return min(inside)[1] if inside else line
