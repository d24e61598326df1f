"""Two dense layers for each step, in TF."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.legacy.models.tf.layers.building import build_inner
from rlmigrate.legacy.types import Tensor


class PositionwiseFeedforward(tf.keras.layers.Layer):  # type: ignore[misc]
    """A ReLU layer, then one with `output_activation`."""

    def __init__(
        self, out_dim: int, hidden_dim: int, output_activation: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._hidden_layer = tf.keras.layers.Dense(hidden_dim, activation=tf.nn.relu)
        self._output_layer = tf.keras.layers.Dense(out_dim, activation=output_activation)

    def build(self, input_shape: Any) -> None:
        """Build the inner layers."""
        build_inner(self._hidden_layer, input_shape)
        build_inner(self._output_layer, (*input_shape[:-1], self._hidden_layer.units))
        self.built = True

    def call(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        """Map [..., in_dim] to [..., out_dim]."""
        return self._output_layer(self._hidden_layer(inputs))
