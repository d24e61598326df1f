"""The old stack's Beta distribution, in TF."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor, TfDistribution
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic

_BOUND = -math.log(1e-6)


class TfBeta(TfDistribution):
    """Independent Beta distributions, stretched to [low, high]: alpha, beta float32[..., n].

    Log-probabilities leave the stretching out, as in the old stack. Entropy and KL divergence,
    which the old stack lacked in TF, are before the stretching too.
    """

    def __init__(self, alpha: Tensor, beta: Tensor, low: Any = 0.0, high: Any = 1.0) -> None:
        self.alpha = tf.convert_to_tensor(alpha)
        self.beta = tf.convert_to_tensor(beta)
        self.low = low
        self.high = high

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        first = tf.random.gamma(sample_shape, self.alpha)
        second = tf.random.gamma(sample_shape, self.beta)
        return self._stretch(first / (first + second))

    def _stretch(self, unit: Tensor) -> Tensor:
        return unit * (self.high - self.low) + self.low

    def _log_norm(self) -> Tensor:
        both = tf.math.lgamma(self.alpha + self.beta)
        return tf.math.lgamma(self.alpha) + tf.math.lgamma(self.beta) - both

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-density of actions, before stretching."""
        unit = (tf.cast(value, self.alpha.dtype) - self.low) / (self.high - self.low)
        rising = tf.math.xlogy(self.alpha - 1.0, unit)
        falling = tf.math.xlog1py(self.beta - 1.0, -unit)
        return tf.reduce_sum(rising + falling - self._log_norm(), axis=-1)

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy, before stretching."""
        total = self.alpha + self.beta
        parts = (
            self._log_norm()
            - (self.alpha - 1.0) * tf.math.digamma(self.alpha)
            - (self.beta - 1.0) * tf.math.digamma(self.beta)
            + (total - 2.0) * tf.math.digamma(total)
        )
        return tf.reduce_sum(parts, axis=-1)

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence."""
        total, their_total = self.alpha + self.beta, other.alpha + other.beta
        parts = (
            other._log_norm()
            - self._log_norm()
            + (self.alpha - other.alpha) * tf.math.digamma(self.alpha)
            + (self.beta - other.beta) * tf.math.digamma(self.beta)
            + (their_total - total) * tf.math.digamma(total)
        )
        return tf.reduce_sum(parts, axis=-1)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return two per component."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32) * 2)

    @classmethod
    def from_logits(cls, logits: Tensor, low: Any = 0.0, high: Any = 1.0, **kwargs: Any) -> Any:
        """Make both parameters larger than one from a net's outputs: float32[B, 2 n]."""
        inputs = tf.clip_by_value(logits, -_BOUND, _BOUND)
        alpha, beta = tf.split(tf.math.log(tf.exp(inputs) + 1.0) + 1.0, 2, axis=-1)
        return cls(alpha, beta, low=low, high=high)

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution at the mean."""
        mean = self.alpha / (self.alpha + self.beta)
        return TfDeterministic(loc=self._stretch(mean), event_dims=1)
