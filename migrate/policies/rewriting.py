"""Source text with some of its nodes written anew; comments and layout of the rest stay.

KeyRead      a read of one key of a dict
Rewriting    replace nodes of a file, innermost first
branch       the chosen side of an `if`, moved out of it
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rlmigrate.migrate.source import SourceFile, Span

Piece = tuple[Span, str]
Node = ast.expr | ast.stmt | ast.arg | ast.keyword | ast.alias


class KeyRead(NamedTuple):
    """`owner[key]`, or `owner.get(key, ...)` with the call that may give a default."""

    owner: ast.expr
    key: ast.expr
    call: ast.Call | None

    @classmethod
    def of(cls, node: ast.expr) -> KeyRead | None:
        """Take an expression apart; None where it is no such read."""
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            return cls(node.value, node.slice, None)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and node.args
        ):
            return cls(node.func.value, node.args[0], node)
        return None


class Rewriting:
    """Subclasses say in `replacement` what a node becomes; None leaves it and looks inside."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source

    def replacement(self, node: ast.AST) -> str | None:
        """The new text of a node; "" takes a statement away."""
        raise NotImplementedError

    def pieces(self, node: ast.AST) -> list[Piece]:
        """Every replacement inside a node."""
        text = self.replacement(node)
        if text is not None:
            assert isinstance(node, Node)
            span = self.source.span(node)
            if isinstance(node, ast.stmt) and not text:
                span = self.source.line_span(node.lineno, node.end_lineno or node.lineno)
            return [(span, text)]
        return [piece for child in ast.iter_child_nodes(node) for piece in self.pieces(child)]

    def text(self, node: Node) -> str:
        """The node with its replacements made."""
        return self.within(self.source.span(node), self.pieces(node))

    def within(self, span: Span, pieces: Iterable[Piece]) -> str:
        """The text of a span with some pieces of it replaced."""
        parts: list[str] = []
        at = span.start
        for (start, end), text in sorted(pieces):
            parts += [self.source.text[at:start], text]
            at = end
        return "".join([*parts, self.source.text[at : span.end]])

    def block(self, statements: Sequence[ast.stmt], *, first: int, indent: str) -> str:
        """Statements from line `first` on, at another indentation, with a line end."""
        last = statements[-1].end_lineno or statements[-1].lineno
        span = self.source.line_span(min(first, statements[0].lineno), last)
        pieces = [piece for each in statements for piece in self.pieces(each)]
        text = self.within(span, pieces).replace("\r\n", "\n")
        text = text if not text or text.endswith("\n") else text + "\n"
        return reindent(text, self._column(statements[0]), indent)

    def _column(self, node: ast.stmt) -> str:
        start = self.source.line_span(node.lineno, node.lineno).start
        line = self.source.text[start : self.source.offset(node.lineno, node.col_offset)]
        return line if not line.strip() else ""


def reindent(text: str, old: str, new: str) -> str:
    """Lines that begin with `old` begin with `new`."""
    return "".join(
        new + line[len(old) :] if line.startswith(old) and line.strip() else line
        for line in text.splitlines(keepends=True)
    )
