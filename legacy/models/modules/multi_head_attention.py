"""Causal attention over a segment."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.legacy.models.misc import SlimFC


def causal_softmax(score: torch.Tensor, *, memory: int) -> torch.Tensor:
    """Turn scores [B, T, memory + T, H] into weights that see the past and present only."""
    steps, seen = score.shape[1], score.shape[2]
    last = torch.arange(memory, memory + steps, device=score.device)
    future = torch.arange(seen, device=score.device) > last[:, None]
    return torch.softmax(score.masked_fill(future[None, :, :, None], -1e30), dim=2)


class MultiHeadAttention(nn.Module):
    """Attention of each step to itself and those before it.

    Vaswani et al., Attention Is All You Need, 2017. No biases.
    """

    def __init__(
        self, in_dim: int, out_dim: int, num_heads: int, head_dim: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._num_heads = num_heads
        self._head_dim = head_dim
        width = num_heads * head_dim
        self._qkv_layer = SlimFC(in_dim, 3 * width, use_bias=False)
        self._linear_layer = SlimFC(width, out_dim, use_bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map [B, T, in_dim] to [B, T, out_dim]."""
        steps, heads, size = inputs.shape[1], self._num_heads, self._head_dim
        queries, keys, values = (
            part.reshape(-1, steps, heads, size)
            for part in torch.chunk(self._qkv_layer(inputs), 3, dim=-1)
        )
        score = torch.einsum("bihd,bjhd->bijh", queries, keys) / size**0.5
        weights = causal_softmax(score, memory=0)
        out = torch.einsum("bijh,bjhd->bihd", weights, values)
        return self._linear_layer(out.reshape(-1, steps, heads * size))  # type: ignore[no-any-return]
