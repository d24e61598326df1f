"""Reads of the model config that the new stack says otherwise, one edit a mark.

Settings   the part of `Expressions` that is about the config and the name of a model
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.emit.sequences import wrapped
from rlmigrate.migrate.emit.states import Piece, States
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.understanding.facts import Mark
from rlmigrate.migrate.understanding.vocabulary import MODEL_DEFAULTS


class Settings(States):
    """Edits on what a model was told when it was built."""

    def _on_config(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "self.model_config")

    def _on_default_key(self, mark: Mark) -> list[Piece]:
        default = MODEL_DEFAULTS[mark.detail]
        return self._replace(mark.node, f'self.model_config.get("{mark.detail}", {default})')

    def _on_named_input(self, mark: Mark) -> list[Piece]:
        start = self._span(mark.node).start
        return [(Span(start, start), f"{mark.detail} := ")]

    def _on_own_local(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, mark.detail)

    def _on_own_attribute(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, f"self.{mark.detail}")

    def _on_bare_config(self, mark: Mark) -> list[Piece]:
        return wrapped(self._span(mark.node), self.names.layer("bare_config"))

    def _on_old_config(self, mark: Mark) -> list[Piece]:
        return self._replace(
            mark.node, f"{self.names.layer('old_model_config')}(self.model_config)"
        )

    def _on_custom_whole(self, mark: Mark) -> list[Piece]:
        made = self.names.layer("custom_settings")
        return self._replace(mark.node, f"{made}(self.model_config)")

    def _on_model_name(self, mark: Mark) -> list[Piece]:
        facts = self.reading.facts  # as RLlib said
        name = "sac_model" if facts.sac else "q_func" if facts.q_model else "default_model"
        return self._replace(mark.node, f'"{name}"')

    def _on_config_pop(self, mark: Mark) -> list[Piece]:
        call = mark.node
        assert isinstance(call, ast.Call)
        func = self._span(call.func)
        if len(call.args) > 1:
            return [(func, "self.model_config.get")]
        start, end = self._span(call.args[0])
        return [
            (Span(func.start, start), "self.model_config["),
            (Span(end, self._span(call).end), "]"),
        ]

    def _on_renamed(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, mark.detail)

    def _on_kept_local(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, mark.detail)

    def _on_training(self, mark: Mark) -> list[Piece]:
        return self._replace(mark.node, "self.training")
