"""Causal attention over a segment and a memory of earlier ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.legacy.models.misc import SlimFC
from rlmigrate.legacy.models.modules.multi_head_attention import causal_softmax
from rlmigrate.legacy.models.modules.relative_position import RelativePositionEmbedding


class RelativeMultiHeadAttention(nn.Module):
    """Attention with relative positions and a memory that gets no gradient.

    Dai et al., Transformer-XL, 2019.
    """

    def __init__(
        self,
        in_dim: int,
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
        width = num_heads * head_dim
        self._qkv_layer = SlimFC(in_dim, 3 * width, use_bias=False)
        self._linear_layer = SlimFC(width, out_dim, use_bias=False, activation_fn=output_activation)
        self._uvar = nn.Parameter(torch.zeros(num_heads, head_dim))
        self._vvar = nn.Parameter(torch.zeros(num_heads, head_dim))
        nn.init.xavier_uniform_(self._uvar)
        nn.init.xavier_uniform_(self._vvar)
        self._pos_proj = SlimFC(in_dim, width, use_bias=False)
        self._rel_pos_embedding = RelativePositionEmbedding(out_dim)
        self._input_layernorm = nn.LayerNorm(in_dim) if input_layernorm else None

    def forward(self, inputs: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """Map inputs [B, T, in_dim] and memory [B, M, in_dim] to [B, T, out_dim]."""
        steps, past = inputs.shape[1], memory.shape[1]
        heads, size = self._num_heads, self._head_dim
        seen = past + steps
        inputs = torch.cat((memory.detach(), inputs), dim=1)
        if self._input_layernorm is not None:
            inputs = self._input_layernorm(inputs)
        queries, keys, values = torch.chunk(self._qkv_layer(inputs), 3, dim=-1)
        queries = queries[:, -steps:].reshape(-1, steps, heads, size)
        keys = keys.reshape(-1, seen, heads, size)
        values = values.reshape(-1, seen, heads, size)
        positions = self._pos_proj(self._rel_pos_embedding(seen)).reshape(seen, heads, size)

        score = torch.einsum("bihd,bjhd->bijh", queries + self._uvar, keys)
        by_position = torch.einsum("bihd,jhd->bijh", queries + self._vvar, positions)
        score = (score + self.rel_shift(by_position)) / size**0.5
        weights = causal_softmax(score, memory=past)
        out = torch.einsum("bijh,bjhd->bihd", weights, values)
        return self._linear_layer(out.reshape(-1, steps, heads * size))  # type: ignore[no-any-return]

    @staticmethod
    def rel_shift(x: torch.Tensor) -> torch.Tensor:
        """Shift row i of [B, T, S, H] by T - 1 - i along S, so that scores line up with keys."""
        batch, rows, columns, heads = x.shape
        padded = nn.functional.pad(x, (0, 0, 1, 0)).reshape(batch, columns + 1, rows, heads)
        return padded[:, 1:].reshape(batch, rows, columns, heads)
