"""Normals squeezed into bounds by tanh."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.legacy.distributions.torch_wrapper import (
    MAX_LOG_NN_OUTPUT,
    MIN_LOG_NN_OUTPUT,
    SMALL_NUMBER,
    TorchDistributionWrapper,
)
from rlmigrate.legacy.types import ModelConfig, Tensor


class TorchSquashedGaussian(TorchDistributionWrapper):
    """Actions low + (tanh(z) + 1) / 2 * (high - low) with z normal.

    inputs: float32[B, 2 n], means first; log standard deviations are clamped to [-5, 2].
    Samples carry a gradient. There is no entropy and no KL divergence.
    """

    def __init__(self, inputs: Tensor, model: Any, low: Any = -1.0, high: Any = 1.0) -> None:
        super().__init__(inputs, model)
        self.mean, log_std = torch.chunk(self.inputs, 2, dim=-1)
        self.std = torch.exp(torch.clamp(log_std, MIN_LOG_NN_OUTPUT, MAX_LOG_NN_OUTPUT))
        self.dist = torch.distributions.Normal(self.mean, self.std)
        assert np.all(np.less(low, high)), f"low {low} must be less than high {high}"
        self.low = low
        self.high = high

    def deterministic_sample(self) -> torch.Tensor:
        """Give the squashed means."""
        self.last_sample = self._squash(self.dist.mean)
        return self.last_sample  # type: ignore[no-any-return]

    def sample(self) -> torch.Tensor:
        """Draw actions, differentiably."""
        self.last_sample = self._squash(self.dist.rsample())
        return self.last_sample  # type: ignore[no-any-return]

    def sample_logp(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw actions and give their log-probability before the affine map to the bounds."""
        z = self.dist.rsample()
        actions = self._squash(z)
        # RLlib uses the actions themselves, right for [-1, 1] only and NaN elsewhere.
        unit = actions
        if not (np.all(np.equal(self.low, -1.0)) and np.all(np.equal(self.high, 1.0))):
            unit = torch.tanh(z)
        logp = self.dist.log_prob(z) - torch.log(1 - unit * unit + SMALL_NUMBER)
        return actions, torch.sum(logp, dim=-1)

    def logp(self, x: Any) -> torch.Tensor:
        """Give RLlib's log-probability: each normal's clamped to +-100, then tanh's Jacobian."""
        z = self._unsquash(x)
        gaussian = torch.sum(torch.clamp(self.dist.log_prob(z), -100, 100), dim=-1)
        return gaussian - torch.sum(torch.log(1 - torch.tanh(z) ** 2 + SMALL_NUMBER), dim=-1)

    def entropy(self) -> torch.Tensor:
        """Raise: there is no closed form."""
        raise ValueError("a squashed Gaussian has no entropy in closed form; estimate it by -logp")

    def kl(self, other: Any) -> torch.Tensor:
        """Raise: there is no closed form."""
        raise ValueError("a squashed Gaussian has no KL divergence in closed form")

    def _squash(self, raw: torch.Tensor) -> torch.Tensor:
        squashed = ((torch.tanh(raw) + 1.0) / 2.0) * (self.high - self.low) + self.low
        return torch.clamp(squashed, self.low, self.high)

    def _unsquash(self, values: torch.Tensor) -> torch.Tensor:
        unit = (values - self.low) / (self.high - self.low) * 2.0 - 1.0
        return torch.atanh(torch.clamp(unit, -1.0 + SMALL_NUMBER, 1.0 - SMALL_NUMBER))

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count means and log standard deviations."""
        return 2 * int(np.prod(action_space.shape or ()))
