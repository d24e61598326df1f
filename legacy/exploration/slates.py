"""Explorations over slates of items, which the model lists as `slates`: int[N, S]; torch only."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.exploration.epsilon_greedy import EpsilonGreedy
from rlmigrate.legacy.exploration.soft_q import SoftQ
from rlmigrate.legacy.types import Tensor


class SlateEpsilonGreedy(EpsilonGreedy):
    """Take a random slate with probability epsilon, else the best one.

    The dice are thrown for each row; Ray's torch version spreads them over the slate's places
    instead, and raises where there are more rows than places.
    """

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any, explore: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Give slates int[B, S], and zeros for their log-probabilities."""
        import torch

        slates: Tensor = self.model.slates
        best = slates[action_distribution.deterministic_sample().to(slates.device)]
        self.last_timestep = timestep
        rows, count = action_distribution.inputs.shape[:2]
        logp = torch.zeros(rows)
        if not explore:
            return best, logp
        drawn = slates[torch.randint(0, count, (rows,), device=slates.device)]
        chance = torch.empty(rows).uniform_() < self.epsilon_schedule(timestep)
        return torch.where(chance.to(slates.device).unsqueeze(-1), drawn, best), logp


class SlateSoftQ(SoftQ):
    """Sample a slate from a softmax over their values at `temperature`."""

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any = None, explore: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Give what the distribution samples, and zeros for the log-probabilities."""
        import torch

        cls = type(action_distribution)
        dist = cls(action_distribution.inputs, self.model, temperature=self.temperature)
        self.last_timestep = timestep
        logp = torch.zeros(action_distribution.inputs.shape[0])
        return (dist.sample() if explore else dist.deterministic_sample()), logp
