"""The gate that GTrXL puts in the place of residual sums, in TF."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.legacy.types import Tensor


class GRUGate(tf.keras.layers.Layer):  # type: ignore[misc]
    """Merge a layer's input h and output x as a GRU merges its state and input.

    The weights have names of their own: RLlib leaves them nameless, finds only the last of the
    seven among a model's variables, and so neither trains nor saves the others.
    """

    def __init__(self, init_bias: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._init_bias = float(init_bias)

    def build(self, input_shape: Any) -> None:
        """Make six matrices and a bias for inputs (h, x) of the same size."""
        h_shape, x_shape = input_shape
        if h_shape[-1] != x_shape[-1]:
            raise ValueError(
                f"GRUGate: inputs have {h_shape[-1]} and {x_shape[-1]} units, expected the same"
            )
        dim = int(h_shape[-1])

        def matrix(name: str) -> Any:
            return self.add_weight(shape=(dim, dim), name=name, initializer="glorot_uniform")

        self._w_r = matrix("w_r")
        self._w_z = matrix("w_z")
        self._w_h = matrix("w_h")
        self._u_r = matrix("u_r")
        self._u_z = matrix("u_z")
        self._u_h = matrix("u_h")
        bias = tf.keras.initializers.Constant(self._init_bias)
        self._bias_z = self.add_weight(shape=(dim,), name="bias_z", initializer=bias)
        self.built = True

    def call(self, inputs: Any, **kwargs: Any) -> Tensor:
        """Map (h, x), each [..., dim], to [..., dim]."""
        h, x = inputs

        def dot(left: Any, right: Any) -> Any:
            return tf.tensordot(left, right, axes=1)

        r = tf.nn.sigmoid(dot(x, self._w_r) + dot(h, self._u_r))
        z = tf.nn.sigmoid(dot(x, self._w_z) + dot(h, self._u_z) - self._bias_z)
        proposed = tf.nn.tanh(dot(x, self._w_h) + dot(h * r, self._u_h))
        return (1 - z) * h + z * proposed
