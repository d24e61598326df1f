"""A dense layer with trainable noise, for models of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rlmigrate.new_stack.layers.on_tf.activations import tf_activation


class TfNoisyLayer(tf.keras.layers.Layer):
    """Add factorised Gaussian noise to weights and biases, drawn anew at each call.

    float32[B, in_size] -> float32[B, out_size].
    """

    def __init__(
        self, out_size: int, sigma0: float, activation: str | Callable[..., Any] | None = "relu"
    ) -> None:
        super().__init__()
        self.out_size, self.sigma0 = int(out_size), sigma0
        self.activation = tf_activation(activation)

    def build(self, input_shape: Any) -> None:
        """Make scales of the noise, then weights and biases: RLlib's order."""
        in_size, bound = int(input_shape[1]), float(input_shape[1]) ** -0.5
        spread = tf.keras.initializers.RandomUniform(-bound, bound)
        scale = tf.keras.initializers.Constant(self.sigma0 * bound)
        matrix, vector = (in_size, self.out_size), (self.out_size,)
        self.sigma_w = self.add_weight(name="sigma_w", shape=matrix, initializer=spread)
        self.sigma_b = self.add_weight(name="sigma_b", shape=vector, initializer=scale)
        self.w = self.add_weight(name="fc_w", shape=matrix, initializer="glorot_uniform")
        self.b = self.add_weight(name="fc_b", shape=vector, initializer="zeros")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Map float32[B, in_size] to float32[B, out_size]."""
        before = self._noise(int(inputs.shape[1]))
        after = self._noise(self.out_size)
        weights = self.w + self.sigma_w * (before[:, None] * after[None, :])
        out = tf.matmul(inputs, weights) + self.b + self.sigma_b * after
        return out if self.activation is None else self.activation(out)

    @staticmethod
    def _noise(size: int) -> Any:
        drawn = tf.random.normal([size])
        return tf.sign(drawn) * tf.sqrt(tf.abs(drawn))
