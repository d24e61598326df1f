"""Beta distributions on a range, in TF."""

from __future__ import annotations

from math import log
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.types import ModelConfig, Tensor

_SMALL = 1e-6


class Beta(TFActionDistribution):
    """A Beta for each component, scaled into [low, high].

    inputs: float32[B, 2 n], alpha first; actions: float32[B, n]. As in RLlib, `logp` is that of
    the unit interval, without the factor of the scaling.
    """

    def __init__(self, inputs: Tensor, model: Any, low: float = 0.0, high: float = 1.0) -> None:
        import tensorflow as tf

        inputs = tf.clip_by_value(inputs, log(_SMALL), -log(_SMALL))
        inputs = tf.math.log(tf.math.exp(inputs) + 1.0) + 1.0
        self.alpha, self.beta = tf.split(inputs, 2, axis=-1)
        self.low = low
        self.high = high
        super().__init__(inputs, model)

    def _build_sample_op(self) -> Tensor:
        import tensorflow as tf

        first = tf.random.gamma([], self.alpha)
        second = tf.random.gamma([], self.beta)
        return self._squash(first / (first + second))

    def deterministic_sample(self) -> Tensor:
        """Give the means."""
        return self._squash(self.alpha / (self.alpha + self.beta))

    def logp(self, x: Tensor) -> Tensor:
        """Sum the log-densities of the components."""
        import tensorflow as tf

        unit = (tf.cast(x, tf.float32) - self.low) / (self.high - self.low)
        normaliser = (
            tf.math.lgamma(self.alpha)
            + tf.math.lgamma(self.beta)
            - tf.math.lgamma(self.alpha + self.beta)
        )
        density = (
            tf.math.xlogy(self.alpha - 1.0, unit)
            + tf.math.xlog1py(self.beta - 1.0, -unit)
            - normaliser
        )
        return tf.reduce_sum(density, axis=-1)

    def _squash(self, unit: Tensor) -> Tensor:
        return unit * (self.high - self.low) + self.low

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count alphas and betas."""
        return 2 * int(np.prod(action_space.shape or ()))
