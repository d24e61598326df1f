"""Normals squashed by tanh into a range, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.types import ModelConfig, Tensor

# RLlib's bounds for the log standard deviation, and its guard for logarithms.
_LOG_STD_MIN, _LOG_STD_MAX = -5.0, 2.0
_SMALL = 1e-6


class SquashedGaussian(TFActionDistribution):
    """tanh of a normal for each component, scaled into [low, high].

    inputs: float32[B, 2 n], means first; actions: float32[B, n].
    """

    def __init__(self, inputs: Tensor, model: Any, low: float = -1.0, high: float = 1.0) -> None:
        import tensorflow as tf

        assert np.all(np.less(low, high)), f"low is {low}, expected less than high={high}"
        self.mean, log_std = tf.split(inputs, 2, axis=-1)
        self.log_std = tf.clip_by_value(log_std, _LOG_STD_MIN, _LOG_STD_MAX)
        self.std = tf.exp(self.log_std)
        self.low = low
        self.high = high
        super().__init__(inputs, model)

    def _build_sample_op(self) -> Tensor:
        return self._squash(self._normal_sample())

    def _normal_sample(self) -> Tensor:
        import tensorflow as tf

        return self.mean + self.std * tf.random.normal(tf.shape(self.mean))

    def deterministic_sample(self) -> Tensor:
        """Give the squashed means."""
        return self._squash(self.mean)

    def logp(self, x: Tensor) -> Tensor:
        """Give the log-density [B], each component's normal part clipped to +-100 as in RLlib."""
        import tensorflow as tf

        raw = tf.cast(self._unsquash(tf.cast(x, tf.float32)), self.inputs.dtype)
        normal = tf.clip_by_value(self._normal_logp(raw), -100.0, 100.0)
        correction = tf.math.log(1.0 - tf.math.tanh(raw) ** 2 + _SMALL)
        return tf.reduce_sum(normal, axis=-1) - tf.reduce_sum(correction, axis=-1)

    def sample_logp(self) -> tuple[Tensor, Tensor]:
        """Draw actions and give their log-density; right for the range [-1, 1] only."""
        import tensorflow as tf

        raw = self._normal_sample()
        actions = self._squash(raw)
        logp = self._normal_logp(raw) - tf.math.log(1.0 - actions * actions + _SMALL)
        return actions, tf.reduce_sum(logp, axis=-1)

    def _normal_logp(self, raw: Tensor) -> Tensor:
        import tensorflow as tf

        scaled = (raw - self.mean) / self.std
        return -0.5 * tf.math.square(scaled) - self.log_std - 0.5 * float(np.log(2.0 * np.pi))

    def entropy(self) -> Tensor:
        """Raise: there is no closed form."""
        raise ValueError("SquashedGaussian has no entropy in closed form")

    def kl(self, other: Any) -> Tensor:
        """Raise: there is no closed form."""
        raise ValueError("SquashedGaussian has no KL divergence in closed form")

    def _squash(self, raw: Tensor) -> Tensor:
        import tensorflow as tf

        squashed = (tf.math.tanh(raw) + 1.0) / 2.0 * (self.high - self.low) + self.low
        return tf.clip_by_value(squashed, self.low, self.high)

    def _unsquash(self, values: Tensor) -> Tensor:
        import tensorflow as tf

        unit = (values - self.low) / (self.high - self.low) * 2.0 - 1.0
        return tf.math.atanh(tf.clip_by_value(unit, -1.0 + _SMALL, 1.0 - _SMALL))

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count means and log standard deviations."""
        return 2 * int(np.prod(action_space.shape or ()))
