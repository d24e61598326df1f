"""Reads of the observation and of other columns that the new stack says otherwise, one edit a mark.

Inputs   the part of `Expressions` that is about what forward is given
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.emit.settings import Settings
from rlmigrate.migrate.emit.states import Piece
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.understanding.columns import OLD_SHIFT
from rlmigrate.migrate.understanding.facts import Mark
from rlmigrate.migrate.understanding.net_calls import handed_input
from rlmigrate.migrate.understanding.observed import PREPARED


class Inputs(Settings):
    """Edits on what forward reads of its batch."""

    def copies(self, kind: str) -> bool:
        """Say whether a method copies some of its inputs, by the kind of its mark."""
        return any(mark.kind == kind for mark in self.reading.marks)

    @property
    def _obs(self) -> str:
        return f"batch[{self.names.core('Columns')}.OBS]"

    @property
    def _whole(self) -> str:
        return self._mixed() if self.reading.facts.obs in PREPARED else self._obs

    def _on_obs(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, mark.detail or self._obs)

    def _on_obs_flat(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, self._flat())

    def _on_obs_mixed(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, mark.detail or self._mixed())

    def _on_obs_replaced(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, mark.detail)

    def _on_obs_after(self, mark: Mark) -> list[Piece]:
        inside_call = any(
            m.kind == "net_batch"
            and isinstance(m.node, ast.Call)
            and handed_input(m.node) is mark.node
            for m in self.reading.marks
        )
        return [] if inside_call else self._replace(mark.node, mark.detail)

    def hoisted(self) -> str:
        """The statement that prepares or copies the observation once, for all places."""
        marks = self.reading.marks
        name = next((m.detail for m in marks if m.kind in {"obs", "obs_mixed"}), "")
        copied = next((m for m in marks if m.kind == "obs_copied"), None)
        whole = self._whole
        if copied is not None and name:
            parts = copied.detail or self.reading.facts.obs == "mixed"
            whole = f"{self.names.layer('own_copy')}({whole})" if parts else f"{whole}.clone()"
        return f"{name} = {whole}" if name else ""

    def flat_inputs(self) -> str:
        """What forward_rnn was given: flat observations, with time added by the connectors."""
        if self.names.framework == "tf":
            sequences = self.names.layer("flat_sequences")
            return f"{sequences}({self._obs}, self.observation_space)"
        return f"{self._flat()}.float()" + (".clone()" if self.copies("inputs_copy") else "")

    def _flat(self) -> str:
        return f"{self.names.layer('flatten')}({self._obs}, self.observation_space)"

    def _mixed(self) -> str:
        return f"{self.names.layer('preprocess')}({self._obs}, self.observation_space)"

    def _on_obs_leaf(self, mark: Mark) -> list[Piece]:
        if self._is_cast(mark.node):
            return []
        end = self._span(mark.node).end
        return [(Span(end, end), ".float()")]

    def _is_cast(self, leaf: ast.AST) -> bool:
        """Say whether a part of the observation is cast or given to a net that casts."""
        start, end = self._span(leaf)
        following = self.source.text[end : end + 12]
        casts = (".float", ".long", ".int", ".bool", ".shape", ".size", ".device", ".to(", ".type")
        if following.startswith(casts):
            return True
        given = [m.data["given"] for m in self.reading.marks if m.kind == "net_input"]
        return any(isinstance(g, ast.expr) and self._span(g) == (start, end) for g in given)

    def _on_column(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "batch")

    def _on_view_call(self, mark: Mark) -> list[Piece]:
        """A ViewRequirement in today's words, without the repeat that asks for nothing."""
        call, pieces = mark.node, []
        assert isinstance(call, ast.Call)
        before = [self._span(a) for a in call.args]
        for keyword in call.keywords:
            span = self.source.span(keyword)
            if keyword.arg == OLD_SHIFT:
                pieces.append((Span(span.start, span.start + len(OLD_SHIFT)), "shift"))
            if keyword.arg != "batch_repeat_value":
                before.append(span)
            elif before:
                pieces.append((Span(max(b.end for b in before), span.end), ""))
            else:
                rest = [self.source.span(k).start for k in call.keywords]
                after = min((start for start in rest if start > span.start), default=span.end)
                pieces.append((Span(span.start, after), ""))
        return pieces

    def _on_column_key(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, f'"{mark.detail}"')

    def _on_obs_copy(self, mark: Mark) -> list[Piece]:
        end = self._span(mark.node).end
        return [(Span(end, end), ".clone()")]
