"""Keras layers of the old stack's attention and noisy nets; importing one imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.models.tf.layers.gru_gate import GRUGate
    from rlmigrate.legacy.models.tf.layers.multi_head_attention import MultiHeadAttention
    from rlmigrate.legacy.models.tf.layers.noisy_layer import NoisyLayer
    from rlmigrate.legacy.models.tf.layers.positionwise_feedforward import PositionwiseFeedforward
    from rlmigrate.legacy.models.tf.layers.relative_multi_head_attention import (
        PositionalEmbedding,
        RelativeMultiHeadAttention,
    )
    from rlmigrate.legacy.models.tf.layers.skip_connection import SkipConnection

__all__ = [
    "GRUGate",
    "MultiHeadAttention",
    "NoisyLayer",
    "PositionalEmbedding",
    "PositionwiseFeedforward",
    "RelativeMultiHeadAttention",
    "SkipConnection",
]

_HERE = "rlmigrate.legacy.models.tf.layers"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "GRUGate": f"{_HERE}.gru_gate",
        "MultiHeadAttention": f"{_HERE}.multi_head_attention",
        "NoisyLayer": f"{_HERE}.noisy_layer",
        "PositionalEmbedding": f"{_HERE}.relative_multi_head_attention",
        "PositionwiseFeedforward": f"{_HERE}.positionwise_feedforward",
        "RelativeMultiHeadAttention": f"{_HERE}.relative_multi_head_attention",
        "SkipConnection": f"{_HERE}.skip_connection",
    },
)
