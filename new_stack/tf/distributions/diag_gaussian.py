"""Independent Gaussians, in TF."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor, TfDistribution
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class TfDiagGaussian(TfDistribution):
    """A Gaussian for each component: loc, scale and actions are float32[..., n]."""

    def __init__(self, loc: Tensor, scale: Tensor = 1.0) -> None:
        self.loc = tf.convert_to_tensor(loc)
        self.scale = tf.convert_to_tensor(scale)

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        shape = tf.concat([sample_shape, tf.shape(self.loc)], axis=0)
        return self.loc + self.scale * tf.random.normal(shape)

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-density of actions."""
        return tf.reduce_sum(self._component_logp(value), axis=-1)

    def _component_logp(self, value: Tensor) -> Tensor:
        scaled = (tf.cast(value, self.loc.dtype) - self.loc) / self.scale
        return -0.5 * tf.square(scaled) - tf.math.log(self.scale) - HALF_LOG_2PI

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy."""
        return tf.reduce_sum(0.5 + HALF_LOG_2PI + tf.math.log(self.scale), axis=-1)

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence."""
        ratio = tf.square(self.scale / other.scale)
        shift = tf.square((self.loc - other.loc) / other.scale)
        return tf.reduce_sum(0.5 * (ratio + shift - 1.0 - tf.math.log(ratio)), axis=-1)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return two per component: mean and log standard deviation."""
        assert isinstance(space, gym.spaces.Box), space
        return int(np.prod(space.shape, dtype=np.int32) * 2)

    @classmethod
    def from_logits(cls, logits: Tensor, **kwargs: Any) -> Any:
        """Split a net's outputs into means and log standard deviations."""
        loc, log_std = tf.split(logits, 2, axis=-1)
        return cls(loc=loc, scale=tf.exp(log_std))

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution at the means."""
        return TfDeterministic(loc=self.loc, event_dims=1)
