"""The edits that carry decisions out on one chain of builder calls.

chain_edits   edits in place for renames; moves, additions and removals of arguments and calls
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rlmigrate.migrate.configs.argument_text import comments_of
from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.keys import FINAL_METHODS, RENAMED_METHODS
from rlmigrate.migrate.configs.writing import Piece, write
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.builders import Chain
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.source import SourceFile, Span

Argument = ast.expr | ast.keyword


class ChainEdits:
    """Collects the edits of one chain."""

    def __init__(
        self, source: SourceFile, nodes: Nodes, chain: Chain, *, code: str, rename_methods: bool
    ) -> None:
        self.source = source
        self.nodes = nodes
        self.chain = chain
        self.code = code
        self.renames = RENAMED_METHODS if rename_methods else {}
        self.edits: list[Edit] = []
        self.leaving: set[int] = set()

    def make(self, decisions: Sequence[Decision]) -> list[Edit]:
        """Return all edits for `decisions`, which are about arguments of this chain."""
        by_node = {id(d.node): d for d in decisions if not d.stays}
        moving: dict[str, list[Gain]] = {}
        empty: list[ast.Call] = []
        for item in self.chain.calls:
            method = self._method_now(item)
            leaving: list[Argument] = []
            going: list[tuple[Argument, Gain]] = []
            for argument in arguments(item):
                decision = by_node.get(id(argument))
                if decision is None:
                    continue
                here = [gain for gain in decision.gains if gain.method == method]
                going += [(argument, gain) for gain in decision.gains if gain.method != method]
                if here and isinstance(argument, ast.keyword):
                    self._replace(argument, here)
                elif here:
                    self._set(self.source.span(argument), str(here[0].value))
                else:
                    leaving.append(argument)
            for gain in self._with_comments(item, going, leaving):
                moving.setdefault(gain.method, []).append(gain)
            self.leaving.update(map(id, leaving))
            if leaving and len(leaving) == len(arguments(item)):
                empty.append(item)
            elif leaving:
                self._remove(item, leaving)
        self._place(moving, empty)
        return self.edits

    def _with_comments(
        self, item: ast.Call, going: list[tuple[Argument, Gain]], leaving: list[Argument]
    ) -> Iterator[Gain]:
        """Let the comments of arguments that leave go with what comes of them."""
        told: set[int] = set()
        for argument, gain in going:
            if argument in leaving and id(argument) not in told:
                told.add(id(argument))
                following = self._staying_after(item, argument, leaving)
                yield replace(gain, comments=comments_of(self.source, argument, following)[1])
            else:
                yield gain

    def _staying_after(
        self, item: ast.Call, argument: Argument, leaving: list[Argument]
    ) -> Argument | None:
        """The next argument, if it stays."""
        everything = arguments(item)
        at = everything.index(argument) + 1
        return everything[at] if at < len(everything) and everything[at] not in leaving else None

    def _method_now(self, item: ast.Call) -> str:
        name = self.chain.method(item)
        return self.renames.get(name, name)

    def _set(self, span: Span, text: str) -> None:
        self.edits.append(Edit(span, text, self.code))

    def _replace(self, keyword: ast.keyword, gains: list[Gain]) -> None:
        """Write the new name, and the new value only if it changes."""
        assert keyword.arg is not None
        first = gains[0]
        value = self.source.span(keyword.value)
        start = self.source.span(keyword).start
        if first.name != keyword.arg:
            self._set(Span(start, start + len(keyword.arg)), first.name)
        indent = self._indent_of_line(start)
        new = write(first.value, indent=indent, column=start - self._line_start(start))
        if new != self.source.text[value.start : value.end]:
            self._set(value, new)
        for gain in gains[1:]:
            text = write(gain.value, indent=indent)
            alone = not self.source.text[self._line_start(start) : start].strip()
            joint = f",\n{indent}" if alone else ", "
            self._set(Span(value.end, value.end), f"{joint}{gain.name}={text}")

    def _remove(self, item: ast.Call, leaving: list[Argument]) -> None:
        """Drop arguments with their commas, and whole lines where they stand alone."""
        everything = arguments(item)
        kept_end: int | None = None
        at = 0
        while at < len(everything):
            argument = everything[at]
            if argument not in leaving:
                kept_end = self.source.span(argument).end
                at += 1
                continue
            run = at
            while run + 1 < len(everything) and everything[run + 1] in leaving:
                run += 1
            start = self.source.span(everything[at]).start
            end = self.source.span(everything[run]).end
            after = (
                self.source.span(everything[run + 1]).start if run + 1 < len(everything) else None
            )
            lines = self._own_lines(start, end)
            if lines is not None:
                following = self._staying_after(item, everything[at], leaving)
                above, _ = comments_of(self.source, everything[at], following)
                self._set(Span(above, lines.end), "")
            elif after is not None:
                self._set(Span(start, after), "")
            elif kept_end is not None:
                self._set(Span(kept_end, end), "")
            at = run + 1

    def _own_lines(self, start: int, end: int) -> Span | None:
        """Whole lines from `start` to `end`, where nothing else stands on them but a comma."""
        text = self.source.text
        first, last = self.source.line_of(start), self.source.line_of(end)
        span = self.source.line_span(first, last)
        before = text[span.start : start]
        after = text[end : span.end].strip()
        alone = not before.strip() and (after in ("", ",") or after.startswith((", #", ",  #")))
        return span if alone else None

    def _place(self, moving: dict[str, list[Gain]], empty: list[ast.Call]) -> None:
        """Put moved arguments into calls that are there, into emptied calls, or into new ones."""
        rest: list[tuple[str, list[Gain]]] = []
        for method, gains in moving.items():
            there = [
                item
                for item in self.chain.calls
                if self._method_now(item) == method and item not in empty
            ]
            if there:
                self._extend(there[-1], gains)
            else:
                rest.append((method, gains))
        for item in empty:
            if rest:
                method, gains = rest.pop(0)
                self._become(item, method, gains)
            else:
                self._drop(item)
        if rest:
            builders = [c for c in self.chain.calls if self.chain.method(c) not in FINAL_METHODS]
            last = builders[-1] if builders else None
            end = self.source.span(last if last is not None else self.chain.root).end
            text = "".join(self._new_call(method, gains) for method, gains in rest)
            self._set(Span(end, end), text)

    def _extend(self, item: ast.Call, gains: list[Gain]) -> None:
        everything = [a for a in arguments(item) if id(a) not in self.leaving]
        if not everything:
            close = self.source.span(item).end - 1
            self._set(Span(close, close), ", ".join(f"{g.name}={write(g.value)}" for g in gains))
            return
        last = self.source.span(everything[-1])
        first = self.source.span(everything[0])
        spread = self.source.line_of(first.start) > self.source.line_of(self._open(item))
        if spread:
            indent = self._indent_of_line(first.start)
            for gain in gains:
                label = _label(gain)
                column = len(indent) + len(gain.name) + 1
                text = write(gain.value, indent=indent, column=column)
                said = label.replace("\n", f"\n{indent}")
                self._set(Span(last.end, last.end), f",\n{indent}{said}{text}")
            return
        indent = self._indent_of_line(last.start)
        for gain in gains:
            text = write(gain.value, indent=indent)
            self._set(Span(last.end, last.end), f", {gain.name}={text}")

    def _become(self, item: ast.Call, method: str, gains: list[Gain]) -> None:
        """Turn an emptied call into another."""
        assert isinstance(item.func, ast.Attribute)
        end = self.source.span(item).end
        start = self._name_start(item)
        indent = self._indent_of_line(start)
        self._set(Span(start, end), write(_as_call(method, gains), indent=indent))

    def _drop(self, item: ast.Call) -> None:
        """Remove a call from the chain, and its statement where nothing is left of it."""
        assert isinstance(item.func, ast.Attribute)
        statement = self.nodes.parents.get(item)
        if isinstance(statement, ast.Expr) and isinstance(item.func.value, ast.Name):
            block = self._block(statement)
            if len(block) == 1:
                self._set(self.source.span(statement), "pass")
            else:
                last = statement.end_lineno or statement.lineno
                self._set(self.source.line_span(statement.lineno, last), "")
            return
        start = self.source.span(item.func.value).end
        self._set(Span(start, self.source.span(item).end), "")

    def _block(self, statement: ast.stmt) -> list[ast.stmt]:
        parent = self.nodes.parents.get(statement)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    def _new_call(self, method: str, gains: list[Gain]) -> str:
        """A call for the end of the chain, on a line of its own where the others are."""
        lines = [
            indent for item in self.chain.calls if (indent := self._dot_indent(item)) is not None
        ]
        if lines:
            return f"\n{lines[-1]}." + write(_as_call(method, gains), indent=lines[-1])
        at = self.source.span(self.chain.calls[-1]).start if self.chain.calls else 0
        indent = self._indent_of_line(at)
        return "." + write(_as_call(method, gains), indent=indent, column=len(indent) + 20)

    def _dot_indent(self, item: ast.Call) -> str | None:
        """The indentation of a call whose dot begins a line."""
        dot = self._name_start(item) - 1
        start = self._line_start(dot)
        before = self.source.text[start:dot]
        return before if self.source.text[dot] == "." and not before.strip() else None

    def _name_start(self, item: ast.Call) -> int:
        assert isinstance(item.func, ast.Attribute)
        return self.source.span(item.func).end - len(item.func.attr)

    def _open(self, item: ast.Call) -> int:
        return self.source.text.index("(", self.source.span(item.func).end)

    def _line_start(self, offset: int) -> int:
        return self.source.line_span(self.source.line_of(offset), self.source.line_of(offset)).start

    def _indent_of_line(self, offset: int) -> str:
        start = self._line_start(offset)
        line = self.source.text[start:offset]
        return line[: len(line) - len(line.lstrip())]


def arguments(item: ast.Call) -> list[Argument]:
    """Arguments of a call in source order."""
    return sorted([*item.args, *item.keywords], key=lambda a: (a.lineno, a.col_offset))


def _as_call(method: str, gains: list[Gain]) -> Piece:
    return Piece(f"{method}(", tuple((_label(gain), gain.value) for gain in gains))


def _label(gain: Gain) -> str:
    """`name=`, under its comments."""
    return "".join(f"{comment}\n" for comment in gain.comments) + f"{gain.name}="
