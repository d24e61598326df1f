"""Sample from the distribution, the default exploration."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.exploration.base import Exploration
from rlmigrate.legacy.exploration.random import Random
from rlmigrate.legacy.types import Tensor, TensorStruct


class StochasticSampling(Exploration):
    """Sample while exploring, else take the likeliest action with a logp of 0.

    random_timesteps: act uniformly at random before that time step.
    """

    def __init__(self, action_space: Any, *, random_timesteps: int = 0, **kwargs: Any) -> None:
        super().__init__(action_space, **kwargs)
        self.random_timesteps = random_timesteps
        self.random_exploration = Random(action_space, **kwargs)
        self.last_timestep: Any = 0

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any = None, explore: bool = True
    ) -> tuple[TensorStruct, Tensor]:
        """Give actions and their log-probabilities."""
        self.last_timestep = self.last_timestep + 1 if timestep is None else timestep
        if not explore:
            action = action_distribution.deterministic_sample()
            return action, _zeros_like(action_distribution.sampled_action_logp())
        if self.last_timestep < self.random_timesteps:
            return self.random_exploration.get_exploration_action(
                action_distribution=action_distribution, timestep=timestep, explore=True
            )
        action = action_distribution.sample()
        return action, action_distribution.sampled_action_logp()


def _zeros_like(logp: Tensor) -> Tensor:
    return logp.new_zeros(logp.shape) if hasattr(logp, "new_zeros") else logp * 0.0
