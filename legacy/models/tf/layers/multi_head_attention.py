"""Causal attention over a segment, in TF."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.legacy.models.tf.layers.building import build_inner
from rlmigrate.legacy.types import Tensor


def causal_softmax(score: Tensor, *, memory: Any) -> Tensor:
    """Turn scores [B, T, memory + T, H] into weights that see the past and present only."""
    steps = tf.shape(score)[1]
    lengths = tf.range(memory + 1, memory + steps + 1)
    mask = tf.sequence_mask(lengths, memory + steps, dtype=score.dtype)[None, :, :, None]
    return tf.nn.softmax(score * mask + 1e30 * (mask - 1.0), axis=2)


class MultiHeadAttention(tf.keras.layers.Layer):  # type: ignore[misc]
    """Attention of each step to itself and those before it, without biases."""

    def __init__(self, out_dim: int, num_heads: int, head_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._num_heads = num_heads
        self._head_dim = head_dim
        width = num_heads * head_dim
        self._qkv_layer = tf.keras.layers.Dense(3 * width, use_bias=False)
        self._linear_layer = tf.keras.layers.Dense(out_dim, use_bias=False)

    def build(self, input_shape: Any) -> None:
        """Build the inner layers."""
        build_inner(self._qkv_layer, input_shape)
        width = self._num_heads * self._head_dim
        build_inner(self._linear_layer, (*input_shape[:-1], width))
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Map [B, T, in_dim] to [B, T, out_dim]."""
        steps, heads, size = tf.shape(inputs)[1], self._num_heads, self._head_dim
        queries, keys, values = (
            tf.reshape(part, [-1, steps, heads, size])
            for part in tf.split(self._qkv_layer(inputs), 3, -1)
        )
        score = tf.einsum("bihd,bjhd->bijh", queries, keys) / size**0.5
        out = tf.einsum("bijh,bjhd->bihd", causal_softmax(score, memory=0), values)
        return self._linear_layer(tf.reshape(out, [-1, steps, heads * size]))
