"""Always the same action, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor, TfDistribution


class TfDeterministic(TfDistribution):
    """The distribution that gives its inputs back.

    loc: [B, ...]; `event_dims` says how many of its last axes belong to one action, so that
    `logp` has one zero an action (Ray's has one for each component).
    """

    def __init__(self, loc: Tensor, *, event_dims: int = 0) -> None:
        self.loc = tf.convert_to_tensor(loc)
        self.event_dims = event_dims

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        return tf.broadcast_to(self.loc, tf.concat([sample_shape, tf.shape(self.loc)], axis=0))

    def rsample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Tensor:
        """Raise: there is nothing to differentiate."""
        raise NotImplementedError("TfDeterministic has no rsample(); use sample()")

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return zeros: float32[B]."""
        rank = len(self.loc.shape) - self.event_dims
        return tf.zeros(tf.shape(self.loc)[:rank])

    def entropy(self, **kwargs: Any) -> Tensor:
        """Raise: it is not defined."""
        raise RuntimeError("TfDeterministic has no entropy()")

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Raise: it is not defined."""
        raise RuntimeError("TfDeterministic has no kl()")

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of components."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32))

    @classmethod
    def from_logits(cls, logits: Tensor, **kwargs: Any) -> Any:
        """Take a net's outputs as actions: float32[B, n]."""
        return cls(loc=logits, event_dims=1)

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution itself."""
        return self
