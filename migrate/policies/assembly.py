"""A policy class put together as an RLModule: edits on its text.

Module    the methods that were written, and where they go
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.rewriting import Piece
from rlmigrate.migrate.source import SourceFile, Span

CODE = "RLM204"
UNIT = "    "


@dataclass
class Module:
    """One class; `written` are texts of new methods, in order, without their indentation."""

    source: SourceFile
    node: ast.ClassDef
    base: str
    code: str = CODE
    written: list[str] = field(default_factory=list)
    replaced: list[ast.stmt] = field(default_factory=list)
    kept: list[Piece] = field(default_factory=list)

    def method(self, head: str, body: str, *decorators: str) -> None:
        """Add a method; `body` is indented by two levels."""
        lines = "".join(f"{UNIT}@{each}\n" for each in decorators)
        text = f"{lines}{UNIT}def {head}:\n{body.rstrip()}\n"
        try:
            ast.parse(f"class _:\n{text}")
        except SyntaxError as error:
            raise NotMovable(self.node, f"leaves {head} without a body") from error
        self.written.append(text)

    def header(self) -> tuple[Edit, ...]:
        """The class statement with its new base."""
        bases = [b for b in self.node.bases if self._stays(b)]
        names = [self.base, *(self.source.segment(b) for b in bases)]
        first, last = self.node.bases[0], self.node.bases[-1]
        span = Span(self.source.span(first).start, self.source.span(last).end)
        return (Edit(span, ", ".join(names), self.code),)

    def edits(self) -> tuple[Edit, ...]:
        """The class statement, the new methods in place of the first old one, the others gone."""
        pieces: list[Piece] = list(self.kept)
        text = "\n".join(self.written)
        outer = indent_of(self.source, self.node)
        if outer:
            text = "".join(
                outer + line if line.strip() else line for line in text.splitlines(keepends=True)
            )
        place = self._first()
        for each in self.replaced:
            span = self._whole(each, before=each is not place)
            pieces.append((span, text if each is place else ""))
        if not self.replaced and text:
            raise NotMovable(self.node, "has no method in whose place the new ones could stand")
        if not self.written and len(self.replaced) == len(self._statements()):
            pieces = [p for p in pieces if p[0] != self._whole(place, before=False)]
            pieces.append((self._whole(place, before=False), f"{outer}{UNIT}pass\n"))
        return (*self.header(), *(Edit(span, piece, self.code) for span, piece in pieces))

    def _stays(self, base: ast.expr) -> bool:
        return (dotted(base) or "").rpartition(".")[2] == "ABC"

    def _statements(self) -> list[ast.stmt]:
        return list(self.node.body)

    def _first(self) -> ast.stmt:
        return min(self.replaced, key=lambda each: each.lineno)

    def _whole(self, node: ast.stmt, *, before: bool) -> Span:
        """The lines of a statement; with the blank lines before it where it goes away."""
        decorators = getattr(node, "decorator_list", [])
        first = min([d.lineno for d in decorators], default=node.lineno)
        start, end = self.source.line_span(first, node.end_lineno or node.lineno)
        if not before:
            return Span(start, end)
        kept = self.source.text[:start].rstrip(" \t\r\n")
        newline = self.source.text.find("\n", len(kept))
        return Span(newline + 1 if newline >= 0 else start, end)
