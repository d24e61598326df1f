"""Initializers of RLlib's old stack, for models of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def tf_normc_initializer(std: float = 1.0) -> Callable[..., tf.Tensor]:
    """Make an initializer whose columns, the weights into one unit, have the norm `std`.

    Draws from numpy's global generator, as RLlib does.
    """

    def initialize(shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        weights = np.random.randn(*shape)
        weights *= std / np.sqrt(np.square(weights).sum(axis=0, keepdims=True))
        return tf.constant(weights, dtype=dtype or tf.float32)

    return initialize
