"""Build layers inside layers, on either Keras."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def build_inner(layer: Any, input_shape: Any) -> None:
    """Build a layer with variables named after it; legacy Keras does so in calls only."""
    with tf.name_scope(layer.name):
        layer.build(input_shape)
