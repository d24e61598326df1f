"""States and sequences that the new stack says otherwise, one edit a mark.

States   the part of `Expressions` that is about time, and about bases
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.emit.calls import flattening
from rlmigrate.migrate.emit.embedded import embeddings_of
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.sequences import returned_sequences, wrapped
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.understanding.facts import Mark, Reading
from rlmigrate.migrate.understanding.scope import parameters

Piece = tuple[Span, str]


class States:
    """Edits on what recurrent models take and return."""

    source: SourceFile
    reading: Reading
    names: Names
    embedded: tuple[str, ...]

    def _span(self, node: ast.AST) -> Span:
        assert isinstance(node, ast.expr | ast.stmt)
        return self.source.span(node)

    def _replace(self, node: ast.AST, text: str) -> list[Piece]:
        return [(self._span(node), text)]

    def _on_asked_values(self, mark: Mark) -> list[Piece]:
        kept = f", {embeddings_of(self.embedded)}" if self.embedded else ""
        return self._replace(mark.node, f"self.compute_values(batch{kept})")

    def _on_told_lengths(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, f"batch.get({self.names.core('Columns')}.SEQ_LENS)")

    def _on_return_states(self, mark: Mark) -> list[Piece]:
        pair = mark.node
        assert isinstance(pair, ast.Tuple)
        output, states = pair.elts
        whole, first, second = self._span(pair), self._span(output), self._span(states)
        columns = self.names.core("Columns")
        line = self.source.line_span(pair.lineno, pair.lineno)
        text = self.source.text[line.start : line.end]
        indent = text[: len(text) - len(text.lstrip())]
        step = indent + "    "
        inputs = parameters(self.reading.methods["forward_rnn"])[0].arg
        simple = isinstance(output, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        wrap = ("", "") if simple else ("(", ")")
        kept = embeddings_of(self.embedded)
        after = f",\n{step}{columns}.EMBEDDINGS: {kept}" if self.embedded else ""
        return [
            (
                Span(whole.start, first.start),
                f"{{\n{step}{columns}.ACTION_DIST_INPUTS: {wrap[0]}",
            ),
            (
                Span(first.end, second.start),
                f"{wrap[1]}.reshape(*{inputs}.shape[:2], -1),\n{step}{columns}.STATE_OUT: ",
            ),
            (Span(second.end, whole.end), f"{after},\n{indent}}}"),
        ]

    def _on_return_sequences(self, mark: Mark) -> list[Piece]:
        pair = mark.node
        assert isinstance(pair, ast.Tuple)
        return returned_sequences(
            self.source,
            self.names,
            self.embedded,
            pair,
            same=mark.detail == "same",
            stateless_too=self.reading.facts.stateless_too,
        )

    def _base_forward(self) -> str:
        method = "_forward_train" if self.embedded else "_forward"
        return f"super().{method}(batch, **kwargs)"

    def _on_super_return(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, self._base_forward())

    def _on_super_pair(self, mark: Mark) -> list[Piece]:
        node = mark.node
        assert isinstance(node, ast.Assign)
        assert isinstance(node.targets[0], ast.Tuple)
        first = self.source.segment(node.targets[0].elts[0])
        column = f"[{self.names.core('Columns')}.ACTION_DIST_INPUTS]"
        if not self.embedded:
            return self._replace(node, f"{first} = {self._base_forward()}{column}")
        line = self.source.line_span(node.lineno, node.lineno)
        text = self.source.text[line.start : line.end]
        indent = text[: len(text) - len(text.lstrip())]
        return self._replace(node, f"outs = {self._base_forward()}\n{indent}{first} = outs{column}")

    def _on_super_values(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "super().compute_values(batch, embeddings)")

    def _on_idle(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "pass")

    def _on_handed(self, mark: Mark) -> list[Piece]:
        node = mark.node
        last = node.elts[-1] if isinstance(node, ast.Tuple) else node
        start, end = self._span(node)
        after = self._span(last).end
        if isinstance(node, ast.Tuple) and ")" in self.source.text[after : end - 1]:
            return [(Span(start, start), "*("), (Span(end, end), f"), {mark.detail}")]
        return [(Span(after, after), f", {mark.detail}")]

    def _on_drop_decorator(self, mark: Mark) -> list[Piece]:
        assert isinstance(mark.node, ast.expr)
        last = mark.node.end_lineno or mark.node.lineno
        return [(self.source.line_span(mark.node.lineno, last), "")]

    def _on_handed_type(self, mark: Mark) -> list[Piece]:
        self.names.want("typing", "Any")
        return self._replace(mark.node, "Any")

    def _on_no_states(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "[]")

    def _on_named_states(self, mark: Mark) -> list[Piece]:
        return wrapped(self._span(mark.node), self.names.layer("name_states"))

    def _on_super_states(self, mark: Mark) -> list[Piece]:
        start, end = self._span(mark.node)
        return [(Span(start, start), "list("), (Span(end, end), ".values())")]

    def _on_state_list(self, mark: Mark) -> list[Piece]:
        literal, names = mark.node, mark.data["names"]
        assert isinstance(literal, ast.List)
        assert isinstance(names, tuple)
        start, end = self._span(literal)
        pieces: list[Piece] = [(Span(start, start + 1), "{"), (Span(end - 1, end), "}")]
        for name, element in zip(names, literal.elts, strict=True):
            at = self._span(element).start
            pieces.append((Span(at, at), f'"{name}": '))
        return pieces

    def _on_state_item(self, mark: Mark) -> list[Piece]:
        node = mark.node
        assert isinstance(node, ast.Subscript)
        return self._replace(node.slice, f'"{mark.detail}"')

    def _on_state_all(self, mark: Mark) -> list[Piece]:
        items = [f'{mark.detail}["{name}"]' for name in self.reading.facts.states]
        comma = "," if len(items) == 1 else ""
        return self._replace(mark.node, ", ".join(items) + comma)

    def _on_value_return(self, mark: Mark) -> list[Piece]:
        node = mark.node
        assert isinstance(node, ast.Return)
        assert node.value is not None
        if self.reading.facts.sequential:
            return wrapped(self._span(node.value), self.names.layer("unfold_values"), ", batch")
        first = self.reading.facts.states[0]
        state = f'batch[{self.names.core("Columns")}.STATE_IN]["{first}"]'
        simple = isinstance(node.value, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        start, end = self._span(node.value)
        flat = flattening(node.value)
        if flat is not None:  # say what shape instead of reshaping twice
            at = self._span(flat).start
            return [(Span(at, at), f"len({state}), ")]
        tail = f".reshape(len({state}), -1)"
        if simple:
            return [(Span(end, end), tail)]
        return [(Span(start, start), "("), (Span(end, end), f"){tail}")]
