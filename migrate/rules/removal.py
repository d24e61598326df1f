"""Statements that go.

removal   the edit that takes one out
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.source import SourceFile, Span


def removal(source: SourceFile, nodes: Nodes, statement: ast.Expr, *, code: str) -> Edit:
    """Take a statement out with its line; `pass` stays where a block or a line would be empty."""
    parent = nodes.parents.get(statement)
    block = next(
        (
            found
            for field in ("body", "orelse", "finalbody")
            if isinstance(found := getattr(parent, field, None), list) and statement in found
        ),
        [statement],
    )
    if len(block) == 1 and not isinstance(parent, ast.Module):
        return Edit(source.span(statement), "pass", code)
    lines = source.line_span(statement.lineno, statement.end_lineno or statement.lineno)
    span = source.span(statement)
    alone = not source.text[lines.start : span.start].strip()
    after = source.text[span.end : lines.end].strip()
    if alone and not source.text[lines.end :].strip() and not after:
        kept = source.text[: lines.start].rstrip()
        number = source.line_of(len(kept) - 1) if kept else 0
        start = source.line_span(number, number).end if kept else 0
        return Edit(Span(start, len(source.text)), "", code)  # no blank lines end a file
    if alone and (not after or after.startswith("#")):
        return Edit(lines, "", code)
    return Edit(span, "pass", code)
