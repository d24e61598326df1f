"""One of n actions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch

from rlmigrate.legacy.distributions.torch_wrapper import TorchDistributionWrapper
from rlmigrate.legacy.types import ModelConfig, Tensor


class TorchCategorical(TorchDistributionWrapper):
    """Actions 0 to n - 1 with the given logits, divided by a temperature.

    inputs: float32[B, n]; actions: int64[B].
    """

    def __init__(self, inputs: Tensor, model: Any = None, temperature: float = 1.0) -> None:
        if temperature != 1.0:
            assert temperature > 0.0, f"temperature is {temperature}, expected more than 0"
            # Not in place as in RLlib: the caller's logits are stored and used again.
            inputs = inputs / temperature
        super().__init__(inputs, model)
        self.dist = torch.distributions.Categorical(logits=self.inputs)

    def deterministic_sample(self) -> torch.Tensor:
        """Give the likeliest actions."""
        # RLlib takes dim=1, which is the same for [B, n] and wrong for [B, T, n].
        self.last_sample = self.dist.probs.argmax(dim=-1)
        return self.last_sample  # type: ignore[no-any-return]

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the actions."""
        return action_space.n  # type: ignore[attr-defined]


def get_torch_categorical_class_with_temperature(t: float) -> type[TorchCategorical]:
    """Make a TorchCategorical whose temperature is `t` unless given."""

    class TorchCategoricalWithTemperature(TorchCategorical):
        """TorchCategorical with a temperature of its own."""

        def __init__(self, inputs: Tensor, model: Any = None, temperature: float = t) -> None:
            super().__init__(inputs, model, temperature)

    return TorchCategoricalWithTemperature
