"""Explorations of bandits, whose models give scores that explore by themselves; torch only."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.exploration.base import Exploration
from rlmigrate.legacy.types import Tensor


class _BestScore(Exploration):
    """Take the action of the highest score: of the model's outputs, or of `_expected`."""

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any, explore: bool = True
    ) -> tuple[Tensor, None]:
        """Give actions, which have no log-probability."""
        scores = action_distribution.inputs if explore else self._expected()
        return scores.argmax(dim=-1), None

    def _expected(self) -> Any:
        raise NotImplementedError


class ThompsonSampling(_BestScore):
    """Explore by scores of sampled parameters, exploit by those of the expected ones.

    The model gives `predict(obs)` and `current_obs()`.
    """

    def _expected(self) -> Any:
        return self.model.predict(self.model.current_obs())


class UpperConfidenceBound(_BestScore):
    """Explore by the bounds that the model puts out, exploit by its `value_function()`."""

    def _expected(self) -> Any:
        return self.model.value_function()
