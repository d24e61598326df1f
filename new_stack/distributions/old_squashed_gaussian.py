"""The old stack's squashed Gaussian, whose log-probabilities are not those of the new one."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution

_LOG_STD_BOUNDS: tuple[float, float] = (-5.0, 2.0)
_LOGP_BOUND: float = 100.0
_SQUASH_EPSILON: float = 1e-6


class TorchOldSquashedGaussian(TorchDistribution):
    """A squashed Gaussian with clamped log-probabilities, for models whose training relied on them.

    Its deterministic action is the squashed mean; there is no entropy and no KL divergence.
    """

    def __init__(self, loc: Any, scale: Any, low: Any = -1.0, high: Any = 1.0) -> None:
        self.low = low
        self.high = high
        super().__init__(loc, scale)

    def _get_torch_distribution(self, loc: Any, scale: Any) -> Any:
        return torch.distributions.Normal(loc, scale)

    def _squash(self, raw: torch.Tensor) -> torch.Tensor:
        squashed = ((torch.tanh(raw) + 1.0) / 2.0) * (self.high - self.low) + self.low
        return torch.clamp(squashed, self.low, self.high)

    def _unsquash(self, values: torch.Tensor) -> torch.Tensor:
        unit = (values - self.low) / (self.high - self.low) * 2.0 - 1.0
        return torch.atanh(torch.clamp(unit, -1.0 + _SQUASH_EPSILON, 1.0 - _SQUASH_EPSILON))

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions."""
        return self._squash(super().sample(sample_shape=sample_shape))

    def rsample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions that gradients flow through."""
        return self._squash(super().rsample(sample_shape=sample_shape))

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-density as the old stack computed it."""
        raw = self._unsquash(value)
        gaussian = torch.clamp(self._dist.log_prob(raw), -_LOGP_BOUND, _LOGP_BOUND).sum(dim=-1)
        slope = torch.log(1 - torch.tanh(raw) ** 2 + _SQUASH_EPSILON)
        result: torch.Tensor = gaussian - slope.sum(dim=-1)
        return result

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Raise ValueError: there is no closed form."""
        raise ValueError("a squashed Gaussian has no entropy in closed form; estimate it by -logp")

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Raise ValueError: there is no closed form."""
        raise ValueError("a squashed Gaussian has no KL divergence in closed form")

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return a mean and a logarithm of a standard deviation per component."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32) * 2)

    @classmethod
    def from_logits(
        cls, logits: torch.Tensor, low: Any = -1.0, high: Any = 1.0, **kwargs: Any
    ) -> Any:
        """Take means and logarithms of standard deviations: float[B, 2 A]."""
        assert np.all(np.less(low, high)), f"low {low} is not below high {high}"
        loc, log_std = torch.chunk(logits, 2, dim=-1)
        return cls(loc, torch.exp(torch.clamp(log_std, *_LOG_STD_BOUNDS)), low=low, high=high)

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the squashed mean."""
        made = TorchDeterministic(loc=self._squash(self._dist.mean))
        made.event_dims = 1  # which Ray's class does not know
        return made
