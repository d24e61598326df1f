"""Nets of RLlib that a model holds: how they are built and called now, one edit a mark.

NetCalls   the part of `Expressions` that is about nets
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.emit.inputs import Inputs
from rlmigrate.migrate.emit.states import Piece
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.understanding.facts import Mark


class NetCalls(Inputs):
    """Edits on calls of nets: plain layers take a tensor and return one."""

    def _on_net(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        written = self.source.segment(call.func)
        name = self.names.layer(mark.detail, local=self.names.layer_names.get(written))
        pieces = [] if name == written else self._replace(call.func, name)
        roles = ("obs_space", "action_space", "num_outputs", "model_config", "name")
        arguments: list[tuple[Span, bool]] = [
            (self._span(a), role not in {"action_space", "name"})
            for role, a in zip(roles, call.args, strict=False)
        ]
        arguments += [
            (self.source.span(k), k.arg not in {"action_space", "name"}) for k in call.keywords
        ]
        arguments.sort()
        for i, (span, stays) in enumerate(arguments):
            if stays:
                continue
            following = arguments[i + 1 :]
            if any(kept for _, kept in following):
                pieces.append((Span(span.start, following[0][0].start), ""))
            else:
                last_kept = max(s.end for s, kept in arguments if kept)
                pieces.append((Span(last_kept, arguments[-1][0].end), ""))
                break
        return pieces

    def _on_net_input(self, mark: Mark) -> list[Piece]:
        call, given = mark.node, mark.data["given"]
        assert isinstance(call, ast.Call)
        assert isinstance(given, ast.expr)
        inner = self._span(given)
        return [
            (Span(self._first_argument(call), inner.start), ""),
            (Span(inner.end, self._last_argument(call)), ""),
        ]

    def _on_net_batch(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        text = mark.detail or self._whole
        return [(Span(self._first_argument(call), self._last_argument(call)), text)]

    def _on_net_flat(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        start = self._first_argument(call)
        return [(Span(start, self._last_argument(call)), self._flat())]

    def _on_net_super(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "self.net_outputs")

    def _on_net_build(self, mark: Mark) -> list[Piece]:
        call, given = mark.node, mark.data["given"]
        assert isinstance(call, ast.Call)
        assert isinstance(given, dict)
        pieces = self._replace(call.func, "self.build_net(")
        at = pieces[0][0].end
        for role in ("obs_space", "num_outputs"):
            span = self._span(given[role])
            pieces.append((Span(at, span.start), "" if role == "obs_space" else ", "))
            at = span.end
        own = mark.data["own_config"]
        if isinstance(own, ast.expr):
            pieces.append((Span(at, self._span(own).start), ", "))
            pieces.append((Span(self._span(own).end, self._span(call).end), ")"))
        else:
            config = mark.data.get("config", "self.model_config")
            pieces.append((Span(at, self._span(call).end), f", {config})"))
        return pieces

    def _on_net_direct(self, mark: Mark) -> list[Piece]:
        func = mark.node
        assert isinstance(func, ast.Attribute)
        return [(Span(self._span(func.value).end, self._span(func).end), "")]

    def _first_argument(self, call: ast.Call) -> int:
        starts = [self._span(a).start for a in call.args] + [
            self.source.span(k).start for k in call.keywords
        ]
        return min(starts)

    def _last_argument(self, call: ast.Call) -> int:
        ends = [self._span(a).end for a in call.args] + [
            self.source.span(k).end for k in call.keywords
        ]
        return max(ends)
