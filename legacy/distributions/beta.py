"""Beta-distributed actions within bounds."""

from __future__ import annotations

from math import log
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.legacy.distributions.torch_wrapper import SMALL_NUMBER, TorchDistributionWrapper
from rlmigrate.legacy.types import ModelConfig, Tensor


class TorchBeta(TorchDistributionWrapper):
    """A Beta for each component, mapped from [0, 1] to [low, high].

    inputs: float32[B, 2 n], alphas first, made greater than 1 by log(1 + exp(x)) + 1.
    `logp` is that of the unit interval: RLlib leaves the affine map out of it.
    """

    def __init__(self, inputs: Tensor, model: Any, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__(inputs, model)
        bounded = torch.clamp(self.inputs, log(SMALL_NUMBER), -log(SMALL_NUMBER))
        self.inputs = torch.log(torch.exp(bounded) + 1.0) + 1.0
        self.low = low
        self.high = high
        alpha, beta = torch.chunk(self.inputs, 2, dim=-1)
        # torch calls alpha concentration1.
        self.dist = torch.distributions.Beta(concentration1=alpha, concentration0=beta)

    def deterministic_sample(self) -> torch.Tensor:
        """Give the means."""
        self.last_sample = self._squash(self.dist.mean)
        return self.last_sample  # type: ignore[no-any-return]

    def sample(self) -> torch.Tensor:
        """Draw actions, differentiably."""
        self.last_sample = self._squash(self.dist.rsample())
        return self.last_sample  # type: ignore[no-any-return]

    def logp(self, x: Any) -> torch.Tensor:
        """Sum the log-densities of the components on the unit interval."""
        return torch.sum(self.dist.log_prob(self._unsquash(x)), dim=-1)

    def _squash(self, raw: torch.Tensor) -> torch.Tensor:
        return raw * (self.high - self.low) + self.low

    def _unsquash(self, values: torch.Tensor) -> torch.Tensor:
        return (values - self.low) / (self.high - self.low)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count alphas and betas."""
        return 2 * int(np.prod(action_space.shape or ()))
