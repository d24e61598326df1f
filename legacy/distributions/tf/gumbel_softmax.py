"""Differentiable samples of discrete actions, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.types import ModelConfig, Tensor


class GumbelSoftmax(TFActionDistribution):
    """Softmax of logits with Gumbel noise (Jang et al. 2017, arXiv:1611.01144).

    inputs: float32[B, n]; actions: float32[B, n], rows that add up to one.
    """

    def __init__(self, inputs: Tensor, model: Any = None, temperature: float = 1.0) -> None:
        import tensorflow as tf

        assert temperature > 0.0, f"temperature is {temperature}, expected more than 0"
        self.temperature = temperature
        self.probs = tf.nn.softmax(inputs)
        super().__init__(inputs, model)

    def _build_sample_op(self) -> Tensor:
        import tensorflow as tf

        uniform = tf.random.uniform(tf.shape(self.inputs), minval=1e-20, maxval=1.0)
        noise = -tf.math.log(-tf.math.log(uniform))
        return tf.nn.softmax((self.inputs + noise) / self.temperature)

    def deterministic_sample(self) -> Tensor:
        """Give the probabilities."""
        return self.probs

    def logp(self, x: Tensor) -> Tensor:
        """Give the cross entropy of actions [B, n], or of indices [B], with the probabilities.

        This is RLlib's stand-in for the density, with its sign.
        """
        import tensorflow as tf

        values = tf.convert_to_tensor(x)
        if values.shape != self.inputs.shape:
            values = tf.one_hot(tf.cast(values, tf.int32), self.inputs.shape[-1])
        return tf.reduce_sum(values * tf.nn.log_softmax(self.inputs, axis=-1), axis=-1)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the actions."""
        return action_space.n  # type: ignore[attr-defined]
