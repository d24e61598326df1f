"""A way around a layer, in TF."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.legacy.types import Tensor


class SkipConnection(tf.keras.layers.Layer):  # type: ignore[misc]
    """Add a layer's input to its output, or merge both by `fan_in_layer`."""

    def __init__(self, layer: Any, fan_in_layer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._layer = layer
        self._fan_in_layer = fan_in_layer

    def call(self, inputs: Tensor, memory: Tensor | None = None) -> Tensor:
        """Map inputs as the layer does; a memory goes to the layer."""
        outputs = self._layer(inputs) if memory is None else self._layer(inputs, memory=memory)
        if self._fan_in_layer is None:
            return outputs + inputs
        return self._fan_in_layer((inputs, outputs))
