"""The old stack's Dirichlet distribution, for Simplex spaces, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor, TfDistribution
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic

_EPSILON = 1e-7


class TfDirichlet(TfDistribution):
    """A distribution over vectors of shares that sum to one: concentration float32[..., n]."""

    def __init__(self, concentration: Tensor) -> None:
        self.concentration = tf.convert_to_tensor(concentration)

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        gammas = tf.random.gamma(sample_shape, self.concentration)
        return gammas / tf.reduce_sum(gammas, axis=-1, keepdims=True)

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-density of shares, normalized first."""
        shares = tf.maximum(tf.cast(value, self.concentration.dtype), _EPSILON)
        shares = shares / tf.reduce_sum(shares, axis=-1, keepdims=True)
        weighted = tf.reduce_sum(tf.math.xlogy(self.concentration - 1.0, shares), axis=-1)
        return weighted - tf.math.lbeta(self.concentration)

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy."""
        total = tf.reduce_sum(self.concentration, axis=-1)
        count = tf.cast(tf.shape(self.concentration)[-1], total.dtype)
        spread = (total - count) * tf.math.digamma(total)
        parts = (self.concentration - 1.0) * tf.math.digamma(self.concentration)
        return tf.math.lbeta(self.concentration) + spread - tf.reduce_sum(parts, axis=-1)

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence."""
        total = tf.reduce_sum(self.concentration, axis=-1, keepdims=True)
        digammas = tf.math.digamma(self.concentration) - tf.math.digamma(total)
        parts = (self.concentration - other.concentration) * digammas
        norms = tf.math.lbeta(other.concentration) - tf.math.lbeta(self.concentration)
        return norms + tf.reduce_sum(parts, axis=-1)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return one per share."""
        assert space.shape is not None, space
        return int(np.prod(space.shape, dtype=np.int32))

    @classmethod
    def from_logits(cls, logits: Tensor, **kwargs: Any) -> Any:
        """Take a net's outputs as logarithms of concentrations: float32[B, n]."""
        return cls(tf.exp(logits) + _EPSILON)

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution at the softmax of the concentrations, the old stack's choice."""
        return TfDeterministic(loc=tf.nn.softmax(self.concentration), event_dims=1)
