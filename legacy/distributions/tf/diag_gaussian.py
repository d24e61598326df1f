"""Independent normals, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.types import ModelConfig, Tensor

_LOG_2PI = float(np.log(2.0 * np.pi))


class DiagGaussian(TFActionDistribution):
    """A normal for each component, from means and log standard deviations.

    inputs: float32[B, 2 n], means first; actions: float32[B, n], or [B] for Box(shape=()).
    """

    def __init__(
        self, inputs: Tensor, model: Any, *, action_space: gym.Space[Any] | None = None
    ) -> None:
        import tensorflow as tf

        self.mean, self.log_std = tf.split(inputs, 2, axis=1)
        self.std = tf.exp(self.log_std)
        self.zero_action_dim = action_space is not None and action_space.shape == ()
        super().__init__(inputs, model)

    def _build_sample_op(self) -> Tensor:
        import tensorflow as tf

        sample = self.mean + self.std * tf.random.normal(tf.shape(self.mean))
        return tf.squeeze(sample, axis=-1) if self.zero_action_dim else sample

    def deterministic_sample(self) -> Tensor:
        """Give the means."""
        return self.mean

    def logp(self, x: Tensor) -> Tensor:
        """Sum the log-densities of the components."""
        import tensorflow as tf

        x = tf.cast(x, tf.float32)
        if len(x.shape) == 1:
            x = tf.expand_dims(x, axis=1)
        squares = tf.reduce_sum(tf.math.square((x - self.mean) / self.std), axis=1)
        count = tf.cast(tf.shape(x)[1], tf.float32)
        return -0.5 * squares - 0.5 * _LOG_2PI * count - tf.reduce_sum(self.log_std, axis=1)

    def kl(self, other: Any) -> Tensor:
        """Sum the KL divergences of the components."""
        import tensorflow as tf

        ratio = (tf.math.square(self.std) + tf.math.square(self.mean - other.mean)) / (
            2.0 * tf.math.square(other.std)
        )
        return tf.reduce_sum(other.log_std - self.log_std + ratio - 0.5, axis=1)

    def entropy(self) -> Tensor:
        """Sum the entropies of the components."""
        import tensorflow as tf

        return tf.reduce_sum(self.log_std + 0.5 * (_LOG_2PI + 1.0), axis=1)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count means and log standard deviations."""
        return 2 * int(np.prod(action_space.shape or ()))
