"""TensorFlow said in torch, one edit a mark.

Ported   the part of `Expressions` that is about classes that leave TensorFlow
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.emit.settings import Settings
from rlmigrate.migrate.emit.states import Piece
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.understanding.facts import Mark

OPERATORS = {ast.Add: "+", ast.Div: "/", ast.Mult: "*", ast.Sub: "-"}


class Ported(Settings):
    """Edits on names and calls of TensorFlow."""

    def _on_port_text(self, mark: Mark) -> list[Piece]:
        if mark.detail.startswith("torch.") and "torch" not in self.names.taken:
            self.names.want("torch", "")
        return self._replace(mark.node, mark.detail)

    def _on_port_keyword(self, mark: Mark) -> list[Piece]:
        assert isinstance(mark.node, ast.keyword)
        start = self.source.span(mark.node).start
        return [(Span(start, start + len(mark.node.arg or "")), mark.detail)]

    def _on_port_bound(self, mark: Mark) -> list[Piece]:
        start = self._span(mark.node).start
        return [(Span(start, start), f"{mark.detail}=")]

    def _on_port_more(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        given = [*call.args, *(k.value for k in call.keywords)]
        end = max(self._span(each).end for each in given)
        return [(Span(end, end), f", {mark.detail}")]

    def _on_port_shape(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        whole, value = self._span(call), self._span(call.args[0])
        return [(Span(whole.start, value.start), ""), (Span(value.end, whole.end), ".shape")]

    def _on_port_cast(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        value = self._span(call.args[0])
        wanted = call.args[1] if len(call.args) == 2 else call.keywords[0].value
        simple = isinstance(call.args[0], ast.Name | ast.Attribute | ast.Subscript | ast.Call)
        first, last = ("", "") if simple else ("(", ")")
        before = Span(self._span(call).start, value.start)
        return [(before, first), (Span(value.end, self._span(wanted).start), f"{last}.to(")]

    def _on_port_change(self, mark: Mark) -> list[Piece]:
        node = mark.node
        assert isinstance(node, ast.AugAssign)
        between = Span(self._span(node.target).end, self._span(node.value).start)
        simple = isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript | ast.Call)
        first, last = ("", "") if simple or isinstance(node.value, ast.Constant) else ("(", ")")
        end = self._span(node.value).end
        text = f" = {ast.unparse(node.target)} {OPERATORS[type(node.op)]} {first}"
        return [(between, text), *([(Span(end, end), last)] if last else [])]
