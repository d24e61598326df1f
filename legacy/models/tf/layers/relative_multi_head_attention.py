"""Causal attention over a segment and a memory of earlier ones, in TF."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.legacy.models.tf.layers.building import build_inner
from rlmigrate.legacy.models.tf.layers.multi_head_attention import causal_softmax
from rlmigrate.legacy.types import Tensor


class PositionalEmbedding:
    """Sines, then cosines, of the distances seq_length - 1 down to 0; no weights."""

    def __init__(self, out_dim: int, **kwargs: Any) -> None:
        self.out_dim = out_dim

    def __call__(self, seq_length: Any) -> Tensor:
        """Give float32[seq_length, out_dim]."""
        frequencies = 1 / (10000 ** (tf.range(0, self.out_dim, 2.0) / self.out_dim))
        distances = tf.cast(tf.range(seq_length - 1, -1, -1), tf.float32)
        angles = distances[:, None] * frequencies[None, :]
        return tf.concat((tf.sin(angles), tf.cos(angles)), axis=-1)


class RelativeMultiHeadAttention(tf.keras.layers.Layer):  # type: ignore[misc]
    """Attention with relative positions and a memory that gets no gradient."""

    def __init__(
        self,
        out_dim: int,
        num_heads: int,
        head_dim: int,
        input_layernorm: bool = False,
        output_activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._num_heads = num_heads
        self._head_dim = head_dim
        self._out_dim = out_dim
        width = num_heads * head_dim
        self._qkv_layer = tf.keras.layers.Dense(3 * width, use_bias=False)
        self._linear_layer = tf.keras.layers.Dense(
            out_dim, use_bias=False, activation=output_activation
        )
        self._pos_embedding = PositionalEmbedding(out_dim)
        self._pos_proj = tf.keras.layers.Dense(width, use_bias=False)
        self._input_layernorm = (
            tf.keras.layers.LayerNormalization(axis=-1) if input_layernorm else None
        )

    def build(self, input_shape: Any) -> None:
        """Make the two biases of the queries, and build the inner layers."""
        shape = (self._num_heads, self._head_dim)
        self._uvar = self.add_weight(shape=shape, name="uvar", initializer="glorot_uniform")
        self._vvar = self.add_weight(shape=shape, name="vvar", initializer="glorot_uniform")
        build_inner(self._qkv_layer, input_shape)
        width = self._num_heads * self._head_dim
        build_inner(self._linear_layer, (*input_shape[:-1], width))
        build_inner(self._pos_proj, (None, self._out_dim))
        if self._input_layernorm is not None:
            build_inner(self._input_layernorm, input_shape)
        self.built = True

    def call(self, inputs: Tensor, memory: Tensor) -> Tensor:
        """Map inputs [B, T, in_dim] and memory [B, M, in_dim] to [B, T, out_dim]."""
        steps, past = tf.shape(inputs)[1], tf.shape(memory)[1]
        heads, size = self._num_heads, self._head_dim
        inputs = tf.concat([tf.stop_gradient(memory), inputs], axis=1)
        if self._input_layernorm is not None:
            inputs = self._input_layernorm(inputs)
        queries, keys, values = tf.split(self._qkv_layer(inputs), 3, -1)
        queries = tf.reshape(queries[:, -steps:], [-1, steps, heads, size])
        keys = tf.reshape(keys, [-1, past + steps, heads, size])
        values = tf.reshape(values, [-1, past + steps, heads, size])
        positions = self._pos_proj(self._pos_embedding(past + steps))
        positions = tf.reshape(positions, [past + steps, heads, size])

        score = tf.einsum("bihd,bjhd->bijh", queries + self._uvar, keys)
        by_position = tf.einsum("bihd,jhd->bijh", queries + self._vvar, positions)
        score = (score + self.rel_shift(by_position)) / size**0.5
        out = tf.einsum("bijh,bjhd->bihd", causal_softmax(score, memory=past), values)
        return self._linear_layer(tf.reshape(out, [-1, steps, heads * size]))

    @staticmethod
    def rel_shift(x: Tensor) -> Tensor:
        """Shift row i of [B, T, S, H] by T - 1 - i along S, so that scores line up with keys."""
        shape = tf.shape(x)
        padded = tf.pad(x, [[0, 0], [0, 0], [1, 0], [0, 0]])
        padded = tf.reshape(padded, [shape[0], shape[2] + 1, shape[1], shape[3]])
        return tf.reshape(padded[:, 1:], shape)
