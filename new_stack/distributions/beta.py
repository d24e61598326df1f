"""The old stack's Beta distribution."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution

_BETA_BOUND: float = -math.log(1e-6)


class TorchBeta(TorchDistribution):
    """Independent Beta distributions, stretched to [low, high].

    Log-probabilities leave the stretching out, as in the old stack. Entropy and KL divergence are
    summed over the components; the old stack returned them per component.
    """

    def __init__(self, alpha: Any, beta: Any, low: Any = 0.0, high: Any = 1.0) -> None:
        self.low = low
        self.high = high
        super().__init__(alpha, beta)

    def _get_torch_distribution(self, alpha: Any, beta: Any) -> Any:
        return torch.distributions.Beta(concentration1=alpha, concentration0=beta)

    def _squash(self, values: torch.Tensor) -> torch.Tensor:
        stretched: torch.Tensor = values * (self.high - self.low) + self.low
        return stretched

    def _unsquash(self, values: torch.Tensor) -> torch.Tensor:
        unit: torch.Tensor = (values - self.low) / (self.high - self.low)
        return unit

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions."""
        return self._squash(super().sample(sample_shape=sample_shape))

    def rsample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions that gradients flow through."""
        return self._squash(super().rsample(sample_shape=sample_shape))

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-density of actions, before stretching."""
        return super().logp(self._unsquash(value)).sum(-1)

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Return the entropy, before stretching."""
        return super().entropy().sum(-1)

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Return the Kullback-Leibler divergence."""
        return super().kl(other).sum(-1)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return two per component."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32) * 2)

    @classmethod
    def from_logits(
        cls, logits: torch.Tensor, low: Any = 0.0, high: Any = 1.0, **kwargs: Any
    ) -> Any:
        """Make both parameters larger than one from the outputs: float[B, 2 A]."""
        inputs = torch.clamp(logits, -_BETA_BOUND, _BETA_BOUND)
        alpha, beta = torch.chunk(torch.log(torch.exp(inputs) + 1.0) + 1.0, 2, dim=-1)
        return cls(alpha, beta, low=low, high=high)

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the mean."""
        made = TorchDeterministic(loc=self._squash(self._dist.mean))
        made.event_dims = 1  # which Ray's class does not know
        return made
