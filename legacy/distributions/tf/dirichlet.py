"""Shares that add up to one, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.types import ModelConfig, Tensor

_SMALL = 1e-7


class Dirichlet(TFActionDistribution):
    """A Dirichlet with the exponentials of the inputs as concentration.

    inputs: float32[B, n]; actions: float32[B, n], rows that add up to one.
    """

    def __init__(self, inputs: Tensor, model: Any) -> None:
        import tensorflow as tf

        self.concentration = tf.exp(inputs) + _SMALL
        super().__init__(self.concentration, model)

    def _build_sample_op(self) -> Tensor:
        import tensorflow as tf

        gammas = tf.random.gamma([], self.concentration)
        return gammas / tf.reduce_sum(gammas, axis=-1, keepdims=True)

    def deterministic_sample(self) -> Tensor:
        """Give the softmax of the concentration, as RLlib does; it is not the mean."""
        import tensorflow as tf

        return tf.nn.softmax(self.concentration)

    def logp(self, x: Tensor) -> Tensor:
        """Give the log-density [B] of actions, which are clipped and made to add up to one."""
        import tensorflow as tf

        x = tf.maximum(tf.cast(x, tf.float32), _SMALL)
        x = x / tf.reduce_sum(x, axis=-1, keepdims=True)
        weighted = tf.reduce_sum(tf.math.xlogy(self.concentration - 1.0, x), axis=-1)
        return weighted - tf.math.lbeta(self.concentration)

    def entropy(self) -> Tensor:
        """Give the entropy [B]."""
        import tensorflow as tf

        total = tf.reduce_sum(self.concentration, axis=-1)
        count = tf.cast(tf.shape(self.concentration)[-1], tf.float32)
        spread = (total - count) * tf.math.digamma(total)
        parts = (self.concentration - 1.0) * tf.math.digamma(self.concentration)
        return tf.math.lbeta(self.concentration) + spread - tf.reduce_sum(parts, axis=-1)

    def kl(self, other: Any) -> Tensor:
        """Give the KL divergence [B]."""
        import tensorflow as tf

        total = tf.reduce_sum(self.concentration, axis=-1, keepdims=True)
        digammas = tf.math.digamma(self.concentration) - tf.math.digamma(total)
        parts = (self.concentration - other.concentration) * digammas
        norms = tf.math.lbeta(other.concentration) - tf.math.lbeta(self.concentration)
        return norms + tf.reduce_sum(parts, axis=-1)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the shares."""
        return int(np.prod(action_space.shape or ()))
