"""The old stack's Dirichlet distribution, for Simplex spaces."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution

_SHARE_EPSILON: float = 1e-7


class TorchDirichlet(TorchDistribution):
    """A distribution over vectors of shares that sum to one."""

    def _get_torch_distribution(self, concentration: torch.Tensor) -> Any:
        return torch.distributions.Dirichlet(concentration=concentration, validate_args=True)

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-density of shares, normalized first."""
        value = torch.clamp(value, min=_SHARE_EPSILON)
        return super().logp(value / value.sum(dim=-1, keepdim=True))

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return one per share."""
        assert space.shape is not None, space
        return int(np.prod(space.shape, dtype=np.int32))

    @classmethod
    def from_logits(cls, logits: torch.Tensor, **kwargs: Any) -> Any:
        """Take the outputs as logarithms of concentrations: float[B, A]."""
        return cls(torch.exp(logits) + _SHARE_EPSILON)

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the softmax of the concentrations, the old stack's choice."""
        shares = nn.functional.softmax(self._dist.concentration, dim=-1)
        made = TorchDeterministic(loc=shares)
        made.event_dims = 1  # which Ray's class does not know
        return made
