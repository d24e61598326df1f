"""Torch layers of the old stack's attention and noisy nets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.models.modules.conv_transpose_2d_stack import ConvTranspose2DStack
    from rlmigrate.legacy.models.modules.gru_gate import GRUGate
    from rlmigrate.legacy.models.modules.multi_head_attention import MultiHeadAttention
    from rlmigrate.legacy.models.modules.noisy_layer import NoisyLayer
    from rlmigrate.legacy.models.modules.relative_multi_head_attention import (
        RelativeMultiHeadAttention,
    )
    from rlmigrate.legacy.models.modules.relative_position import RelativePositionEmbedding
    from rlmigrate.legacy.models.modules.skip_connection import SkipConnection

__all__ = [
    "ConvTranspose2DStack",
    "GRUGate",
    "MultiHeadAttention",
    "NoisyLayer",
    "RelativeMultiHeadAttention",
    "RelativePositionEmbedding",
    "SkipConnection",
]

_HERE = "rlmigrate.legacy.models.modules"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "ConvTranspose2DStack": f"{_HERE}.conv_transpose_2d_stack",
        "GRUGate": f"{_HERE}.gru_gate",
        "MultiHeadAttention": f"{_HERE}.multi_head_attention",
        "NoisyLayer": f"{_HERE}.noisy_layer",
        "RelativeMultiHeadAttention": f"{_HERE}.relative_multi_head_attention",
        "RelativePositionEmbedding": f"{_HERE}.relative_position",
        "SkipConnection": f"{_HERE}.skip_connection",
    },
)
