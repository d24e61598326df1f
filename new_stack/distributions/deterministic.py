"""Always the same action."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.new_stack.distributions.distribution import Distribution


class TorchDeterministic(Distribution):
    """A distribution that returns its parameter.

    Args:
        loc: The actions: [B, ...].
        event_dims: How many of the last dimensions make one action. Its log-probability is
            float[B]; with the default 0 it has the shape of `loc`, as always in Ray.
    """

    def __init__(self, loc: torch.Tensor, *, event_dims: int = 0) -> None:
        self.loc = loc
        self.event_dims = event_dims

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Return the actions."""
        shape = (*(sample_shape or ()), *self.loc.shape)
        return torch.ones(shape, device=self.loc.device, dtype=self.loc.dtype) * self.loc

    def rsample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Raise NotImplementedError."""
        raise NotImplementedError(f"{type(self).__name__} has no rsample()")

    def logp(self, value: Any, **kwargs: Any) -> torch.Tensor:
        """Return zeros."""
        zeros = torch.zeros_like(self.loc)
        if self.event_dims:
            zeros = zeros.sum(dim=tuple(range(-self.event_dims, 0)))
        return zeros

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Raise RuntimeError."""
        raise RuntimeError(f"{type(self).__name__} has no entropy()")

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Raise RuntimeError."""
        raise RuntimeError(f"{type(self).__name__} has no kl()")

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of values in an action."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32))

    @classmethod
    def from_logits(cls, logits: torch.Tensor, **kwargs: Any) -> TorchDeterministic:
        """Take the outputs as actions: float[B, A].

        Ray's class has no such method, and cannot be a module's `action_dist_cls`.
        """
        return cls(loc=logits, event_dims=1)

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution itself."""
        return self
