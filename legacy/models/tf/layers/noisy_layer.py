"""A dense layer with trainable noise, in TF."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from rlmigrate.legacy.models.utils import get_activation_fn
from rlmigrate.legacy.types import Tensor


class NoisyLayer(tf.keras.layers.Layer):  # type: ignore[misc]
    """Compute x (w + sigma_w e_w) + b + sigma_b e_b, with new factorised noise at each call."""

    def __init__(self, prefix: str, out_size: int, sigma0: float, activation: Any = "relu") -> None:
        super().__init__()
        self.prefix = prefix
        self.out_size = int(out_size)
        self.sigma0 = sigma0
        self.activation = activation

    def build(self, input_shape: Any) -> None:
        """Make weights and noise scales, in RLlib's order."""
        in_size = int(input_shape[1])
        bound = 1.0 / np.sqrt(float(in_size))
        initial = tf.keras.initializers

        def weight(name: str, shape: list[int], initializer: Any) -> Any:
            full = f"{self.prefix}_{name}".replace("/", "_").strip("_")
            return self.add_weight(shape=shape, name=full, initializer=initializer)

        matrix, vector = [in_size, self.out_size], [self.out_size]
        self.sigma_w = weight("sigma_w", matrix, initial.RandomUniform(-bound, bound))
        self.sigma_b = weight("sigma_b", vector, initial.Constant(self.sigma0 * bound))
        self.w = weight("fc_w", matrix, initial.GlorotUniform())
        self.b = weight("fc_b", vector, initial.Zeros())
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Map [B, in_size] to [B, out_size]."""
        noise_in = self._scaled(tf.random.normal([int(inputs.shape[1])]))
        noise_out = self._scaled(tf.random.normal([self.out_size]))
        noise = tf.matmul(tf.expand_dims(noise_in, -1), tf.expand_dims(noise_out, 0))
        out = tf.matmul(inputs, self.w + self.sigma_w * noise) + self.b + self.sigma_b * noise_out
        activation = get_activation_fn(self.activation, framework="tf")
        return out if activation is None else activation(out)

    @staticmethod
    def _scaled(x: Tensor) -> Tensor:
        return tf.math.sign(x) * tf.math.sqrt(tf.math.abs(x))
