"""Layers and initializers of TF models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rlmigrate.legacy.types import Tensor


def normc_initializer(std: float = 1.0) -> Callable[..., Tensor]:
    """Make an initializer whose columns, the weights into one unit, have the norm `std`.

    Draws from numpy's global generator, as RLlib does.
    """

    def initialize(shape: Sequence[int], dtype: Any = None, partition_info: Any = None) -> Tensor:
        import tensorflow as tf

        name = getattr(dtype, "name", dtype) or "float32"
        weights = np.random.randn(*shape).astype(name)
        weights *= std / np.sqrt(np.square(weights).sum(axis=0, keepdims=True))
        return tf.constant(weights)

    return initialize


def flatten(x: Tensor) -> Tensor:
    """Give every row as flat numbers: number[B, ...] -> number[B, n]."""
    import tensorflow as tf

    return tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])


def dense(
    size: int, *, name: str, activation: Any = None, std: float | None = None
) -> Callable[[Tensor], Tensor]:
    """Make a Dense layer, normc-initialized with norm `std` if that is given."""
    import tensorflow as tf

    extra: dict[str, Any] = {}
    if std is not None:
        extra["kernel_initializer"] = normc_initializer(std)
    layer: Callable[[Tensor], Tensor] = tf.keras.layers.Dense(
        int(size), name=name, activation=activation, **extra
    )
    return layer


def conv2d(
    channels: int, kernel: Any, stride: Any, *, name: str, padding: Any, activation: Any = None
) -> Callable[[Tensor], Tensor]:
    """Make a Conv2D layer for images [B, H, W, C]."""
    import tensorflow as tf

    strides = tuple(stride) if isinstance(stride, list | tuple) else (stride, stride)
    layer: Callable[[Tensor], Tensor] = tf.keras.layers.Conv2D(
        int(channels),
        kernel,
        strides=strides,
        activation=activation,
        padding=padding,
        data_format="channels_last",
        name=name,
    )
    return layer


def apply(function: Callable[[Tensor], Tensor], tensor: Tensor, *, shape: Any = None) -> Tensor:
    """Put a plain TF function into a functional Keras model.

    Keras 3 cannot infer the shape of what any TF function gives, and asks for it (without B).
    """
    import tensorflow as tf

    extra = {} if shape is None else {"output_shape": shape}
    return tf.keras.layers.Lambda(function, **extra)(tensor)
