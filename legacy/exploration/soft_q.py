"""Sample from a softmax over Q-values."""

from __future__ import annotations

from typing import Any

from gymnasium.spaces import Discrete, MultiDiscrete

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.exploration.stochastic_sampling import StochasticSampling
from rlmigrate.legacy.types import Tensor, TensorStruct


class SoftQ(StochasticSampling):
    """Sample a Categorical whose logits are the Q-values divided by `temperature`."""

    def __init__(self, action_space: Any, *, temperature: float = 1.0, **kwargs: Any) -> None:
        if not isinstance(action_space, Discrete | MultiDiscrete):
            raise LegacyError(
                f"SoftQ: action space is {action_space}, expected Discrete or MultiDiscrete"
            )
        super().__init__(action_space, **kwargs)
        self.temperature = temperature

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any = None, explore: bool = True
    ) -> tuple[TensorStruct, Tensor]:
        """Sample from the distribution's inputs at the temperature."""
        cls = type(action_distribution)
        dist = cls(action_distribution.inputs, self.model, temperature=self.temperature)
        return super().get_exploration_action(
            action_distribution=dist, timestep=timestep, explore=explore
        )
