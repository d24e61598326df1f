"""Expressions that the new stack says otherwise, one edit a mark.

Expressions   edits inside methods, and the text of what values need
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.migrate.emit.calls import crowds, owners
from rlmigrate.migrate.emit.carried import carried
from rlmigrate.migrate.emit.embedded import embedding_of, embeddings_of
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.net_calls import NetCalls
from rlmigrate.migrate.emit.ported import Ported
from rlmigrate.migrate.emit.text import unconditional
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.understanding.facts import Mark, Reading
from rlmigrate.migrate.understanding.net_base import NET_BASE, is_net_super
from rlmigrate.migrate.understanding.observed import PREPARED, PREPARING

Piece = tuple[Span, str]

#: What a line may hold, and what a returned dict adds to it.
WIDTH = 100
WIDENING = len("{Columns.ACTION_DIST_INPUTS: }") - len(", state")


class Expressions(NetCalls, Ported):
    """Texts of one class; `embedded` are the locals that EMBEDDINGS must hold."""

    def __init__(self, source: SourceFile, reading: Reading, names: Names) -> None:
        self.source = source
        self.reading = reading
        self.names = names
        facts = reading.facts
        kept = [s.local for s in facts.stashes if s.for_value and s.source is None]
        given = [n.local for n in facts.subnets if n.local is not None]
        self.embedded = tuple(dict.fromkeys([*kept, *given]))
        self.own_uses: dict[str, int] = {}
        for mark in reading.marks:
            if mark.kind == "own":
                uses = self.own_uses.get(mark.detail, 0) + 1
                self.own_uses[mark.detail] = uses + crowds(
                    source, mark.node, self.own_value(mark.detail)
                )
            elif mark.kind == "own_computes":  # a base is given something made of it
                self.own_uses[mark.detail] = self.own_uses.get(mark.detail, 0) + 2
        self.carried = carried(source, reading)
        for name in self.own_uses:
            self.own_uses[name] += name in self.carried and self.carried[name].wants_a_line

    def pieces(self) -> Iterator[Piece]:
        """Every edit that a mark on an expression asks for."""
        for mark in self.reading.marks:
            yield from getattr(self, f"_on_{mark.kind}", self._on_nothing)(mark)

    def own_value(self, name: str) -> str:
        """Where a parameter of the class's own is read now."""
        default = next(p.default for p in self.reading.facts.parameters if p.name == name)
        config = "self.model_config"
        if self.reading.facts.apart:
            config = f"{self.names.layer('custom_settings')}(self.model_config)"
        if default is None:
            return f'{config}["{name}"]'
        init = self.reading.methods["__init__"]
        return f'{config}.get("{name}", {self._default_text(init, name)})'

    def embedding(self, local: str) -> str:
        """Where compute_values finds what forward kept."""
        return embedding_of(local, self.embedded)

    def head_size(self) -> str:
        """The number of inputs of the action distribution."""
        if self.reading.facts.q_model:
            return "self.num_outputs"
        if self.reading.facts.wrappers:
            return f"{self.names.layer('head_size')}(self)"
        if self.reading.facts.discrete:
            return "int(self.action_space.n)"
        size = "self.action_dist_cls.required_input_dim(space=self.action_space)"
        return f"int({size})" if self.names.framework == "tf" else size  # Keras wants no numpy's

    def _default_text(self, init: ast.FunctionDef, name: str) -> str:
        positional = [*init.args.posonlyargs, *init.args.args]
        pairs = dict(zip([a.arg for a in positional[::-1]], init.args.defaults[::-1], strict=False))
        keywords = zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        pairs |= {a.arg: d for a, d in keywords if d is not None}
        return self.source.segment(pairs[name])

    def _on_nothing(self, mark: Mark) -> list[Piece]:
        return []

    def _on_always(self, mark: Mark) -> list[Piece]:
        assert isinstance(mark.node, ast.If)
        return unconditional(self.source, mark.node)

    def _on_own(self, mark: Mark) -> list[Piece]:
        if self.own_uses[mark.detail] > 1:
            return []
        return self._replace(mark.node, self.own_value(mark.detail))

    def _on_action_space(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "self.action_space")

    def _on_obs_space(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "self.observation_space")

    def _on_preprocessed_space(self, mark: Mark) -> list[Piece]:
        if isinstance(mark.node, ast.Name):
            return []  # a parameter of the constructor, which setup() binds first
        return self._replace(mark.node, self.preprocessed_space)

    @property
    def preprocessed_space(self) -> str:
        """The space that the old model was built with."""
        return f"{self.names.layer('preprocessed_space')}(self.observation_space)"

    def _on_flat_size(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, f"{self.names.layer('flat_size')}(self.observation_space)")

    def _on_head(self, mark: Mark) -> list[Piece]:
        whole = self.reading.facts.head_size == "attribute"
        return self._replace(mark.node, "self.num_outputs") if whole else []

    def _on_layer(self, mark: Mark) -> list[Piece]:
        assert isinstance(mark.node, ast.expr)
        written = self.source.segment(mark.node)
        name = self.names.layer(mark.detail, local=self.names.layer_names.get(written))
        return [] if name == written else self._replace(mark.node, name)

    def _ends(self, node: ast.expr) -> tuple[str, str]:
        """What stands before and after the distribution inputs in the returned dict."""
        columns = self.names.core("Columns")
        line = self.source.line_span(node.lineno, node.lineno)
        text = self.source.text[line.start : line.end]
        indent = text[: len(text) - len(text.lstrip())]
        step = indent + "    "
        if not self.embedded:
            crowded = len(text.rstrip()) + self._widening(node.lineno) > WIDTH
            if node.end_lineno != node.lineno or not crowded:
                return f"{{{columns}.ACTION_DIST_INPUTS: ", "}"
            return f"{{\n{step}{columns}.ACTION_DIST_INPUTS: ", f",\n{indent}}}"
        if self.reading.facts.adds:  # what the base kept stays beside what changes
            return (
                f"{{\n{step}**outs,\n{step}{columns}.ACTION_DIST_INPUTS: ",
                f",\n{indent}}}",
            )
        return (
            f"{{\n{step}{columns}.ACTION_DIST_INPUTS: ",
            f",\n{step}{columns}.EMBEDDINGS: {embeddings_of(self.embedded)},\n{indent}}}",
        )

    def _widening(self, line: int) -> int:
        """How much longer a line gets by a returned dict and by observations prepared in it."""
        kinds = {"obs_flat", "obs_mixed"}
        on_line = [
            m
            for m in self.reading.marks
            if m.kind in kinds and getattr(m.node, "lineno", 0) == line
        ]
        return WIDENING + sum(-15 if m.detail else PREPARING for m in on_line)

    def _on_return_pair(self, mark: Mark) -> list[Piece]:
        pair = mark.node
        assert isinstance(pair, ast.Tuple)
        whole, first = self._span(pair), self._span(pair.elts[0])
        before, after = self._ends(pair)
        return [(Span(whole.start, first.start), before), (Span(first.end, whole.end), after)]

    def _on_return_net(self, mark: Mark) -> list[Piece]:
        node = mark.node
        assert isinstance(node, ast.Return)
        assert node.value is not None
        start, end = self._span(node.value)
        before, after = self._ends(node.value)
        return [(Span(start, start), before), (Span(end, end), after)]

    def _on_first_of_two(self, mark: Mark) -> list[Piece]:
        node = mark.node
        assert isinstance(node, ast.Subscript)
        return [(Span(self._span(node.value).end, self._span(node).end), "")]

    def _on_first_target(self, mark: Mark) -> list[Piece]:
        pair = mark.node
        assert isinstance(pair, ast.Tuple)
        whole, first = self._span(pair), self._span(pair.elts[0])
        pieces = [(Span(first.end, whole.end), "")]
        if whole.start < first.start:
            pieces.append((Span(whole.start, first.start), ""))
        return pieces

    def _on_kept_embedding(self, mark: Mark) -> list[Piece]:
        local = next(s.local for s in self.reading.facts.stashes if s.attribute == mark.detail)
        return self._replace(mark.node, self.embedding(local))

    def _on_kept_pure(self, mark: Mark) -> list[Piece]:
        source = mark.data["source"]
        assert isinstance(source, ast.expr)
        return self._replace(mark.node, self.pure_text(source))

    def _on_net_value(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Attribute)
        text = self.net_given(mark.detail)
        if mark.detail == NET_BASE:
            return self._replace(call, f"self.net_values({text})")
        return [(Span(self._span(call.func.value).end, self._span(call).end), f".value({text})")]

    def _on_net_value_of(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Attribute)
        return [
            (Span(self._span(call.func.value).end, self._span(call).end), f".value({mark.detail})")
        ]

    def _on_net_value_here(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Attribute)
        text = mark.data["local"] or self._net_text(mark.detail)
        return [(Span(self._span(call.func.value).end, self._span(call).end), f".value({text})")]

    def net_given(self, attribute: str = NET_BASE) -> str:
        """Where compute_values finds what forward gave a net."""
        net = next(n for n in self.reading.facts.subnets if n.attribute == attribute)
        return self.embedding(net.local) if net.local is not None else self._net_text(attribute)

    def _net_text(self, attribute: str) -> str:
        for mark in self.reading.marks:
            call = mark.node
            if not isinstance(call, ast.Call):
                continue
            own = attribute == NET_BASE and is_net_super(getattr(call.func, "value", call.func))
            if not own and f"self.{attribute}" not in owners(call):
                continue
            if mark.kind == "net_flat":
                return self._flat()
            if mark.kind == "net_batch":
                casts = mark.detail and self.names.framework != "tf"  # whose nets cast
                return f"{self._whole}.float()" if casts else self._whole
            given = mark.data.get("given")
            if isinstance(given, ast.expr):
                return self.pure_text(given, cast=False)
        return self._whole

    def pure_text(self, node: ast.expr, *, cast: bool = True) -> str:
        """Write an expression on the batch alone, with names of forward spelled out."""
        path: list[str] = []
        inner = node
        kinds = {id(m.node): m.kind for m in self.reading.marks}
        while isinstance(inner, ast.Subscript) and id(inner) not in kinds.keys() & self._roots():
            path.insert(0, f"[{self.source.segment(inner.slice)}]")
            inner = inner.value
        kind = kinds.get(id(inner), self._alias_kind())
        root = {"obs_flat": self._flat, "obs_mixed": self._mixed}.get(kind, lambda: self._obs)()
        leaf = ".float()" if path and cast and self.reading.facts.obs == "keyed" else ""
        return root + "".join(path) + leaf

    def _roots(self) -> set[int]:
        wanted = {"obs", "obs_flat", "obs_mixed"}
        return {id(m.node) for m in self.reading.marks if m.kind in wanted}

    def _alias_kind(self) -> str:
        return "obs_mixed" if self.reading.facts.obs in PREPARED else "obs"
