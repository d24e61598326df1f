"""Gaussians squashed into bounds by tanh."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution

MIN_LOG_STD = -5.0
MAX_LOG_STD = 2.0
# How near to the bounds an action may be when its Gaussian value is looked for.
BOUND_MARGIN = 1e-6


class TorchSquashedGaussian(TorchDistribution):
    """A Gaussian mapped into [low, high] by tanh.

    Log-probabilities are those of the new stack: exact where the old stack clamped them.
    """

    def __init__(self, loc: Any, scale: Any = 1.0, low: Any = -1.0, high: Any = 1.0) -> None:
        self.loc = loc
        self.low = low
        self.high = high
        super().__init__(loc=loc, scale=scale)

    def _get_torch_distribution(self, loc: Any, scale: Any) -> Any:
        return torch.distributions.Normal(loc, scale, validate_args=False)

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions."""
        return self._squash(super().sample(sample_shape=sample_shape))

    def rsample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions that gradients flow through."""
        return self._squash(super().rsample(sample_shape=sample_shape))

    def sample_and_logp(self, *, sample_shape: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw actions with their log-probability, which is exact at the bounds too."""
        raw = super().sample(sample_shape=sample_shape)
        return self._squash(raw), self._logp_before_squashing(raw)

    def rsample_and_logp(self, *, sample_shape: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw actions that gradients flow through, with their exact log-probability."""
        raw = super().rsample(sample_shape=sample_shape)
        return self._squash(raw), self._logp_before_squashing(raw)

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-density of actions, exact inside the bounds."""
        return self._logp_before_squashing(self._unsquash(value))

    def _logp_before_squashing(self, raw: torch.Tensor) -> torch.Tensor:
        # log(1 - tanh(x)^2) in the form that does not lose its digits for large |x|.
        log_slope = 2.0 * (math.log(2.0) - raw - nn.functional.softplus(-2.0 * raw))
        return super().logp(raw).sum(-1) - log_slope.sum(-1)

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Raise ValueError."""
        raise ValueError(f"{type(self).__name__} has no entropy()")

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Raise ValueError."""
        raise ValueError(f"{type(self).__name__} has no kl()")

    def _squash(self, raw: torch.Tensor) -> torch.Tensor:
        inside = ((torch.tanh(raw) + 1.0) / 2.0) * (self.high - self.low) + self.low
        return torch.clamp(inside, self.low, self.high)

    def _unsquash(self, value: torch.Tensor) -> torch.Tensor:
        centred = (value - self.low) / (self.high - self.low) * 2.0 - 1.0
        return torch.atanh(torch.clamp(centred, -1.0 + BOUND_MARGIN, 1.0 - BOUND_MARGIN))

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return two per component: mean and log standard deviation."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32) * 2)

    @classmethod
    def from_logits(
        cls, logits: torch.Tensor, low: Any = -1.0, high: Any = 1.0, **kwargs: Any
    ) -> Any:
        """Split the outputs into means and log standard deviations, the latter clamped."""
        assert np.all(np.less(low, high)), f"low {low} is not below high {high}"
        loc, log_std = logits.chunk(2, dim=-1)
        scale = torch.clamp(log_std, MIN_LOG_STD, MAX_LOG_STD).exp()
        return cls(loc=loc, scale=scale, low=low, high=high, **kwargs)

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the squashed mean.

        Ray's returns the mean before squashing, which is outside the bounds (ray#51544).
        """
        return TorchDeterministic(loc=self._squash(self.loc), event_dims=1)
