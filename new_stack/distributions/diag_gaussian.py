"""Independent Gaussians."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution


class TorchDiagGaussian(TorchDistribution):
    """A Gaussian with a mean and a standard deviation per component: float[B, A] each."""

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc = loc
        super().__init__(loc=loc, scale=scale)

    def _get_torch_distribution(self, loc: Any, scale: Any) -> Any:
        return torch.distributions.Normal(loc, scale, validate_args=False)

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-density of actions."""
        return super().logp(value, **kwargs).sum(-1)

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Return the entropy."""
        return super().entropy().sum(-1)

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Return the Kullback-Leibler divergence."""
        return super().kl(other).sum(-1)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return two per component: mean and log standard deviation."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32) * 2)

    @classmethod
    def from_logits(cls, logits: torch.Tensor, **kwargs: Any) -> Any:
        """Split the outputs into means and log standard deviations: float[B, 2 A]."""
        loc, log_std = logits.chunk(2, dim=-1)
        return cls(loc=loc, scale=log_std.exp())

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the mean."""
        return TorchDeterministic(loc=self.loc, event_dims=1)
