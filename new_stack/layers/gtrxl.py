"""GTrXL: attention over a segment and a memory, with gates in place of residual sums."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.layers.slim_fc import SlimFC


class GTrXLNet(nn.Module):
    """A gated transformer with memory, for vectors.

    Parisotto et al., Stabilizing Transformers for Reinforcement Learning, 2019.
    """

    def __init__(
        self,
        in_dim: int,
        *,
        num_transformer_units: int = 1,
        attention_dim: int = 64,
        num_heads: int = 1,
        head_dim: int = 32,
        position_wise_mlp_dim: int = 32,
        init_gru_gate_bias: float = 2.0,
    ) -> None:
        super().__init__()
        self.num_transformer_units = num_transformer_units
        self.linear_layer = SlimFC(in_dim, attention_dim)
        units: list[nn.Module] = []
        for _ in range(num_transformer_units):
            attention = RelativeMultiHeadAttention(attention_dim, num_heads, head_dim)
            mlp = nn.Sequential(
                nn.LayerNorm(attention_dim),
                SlimFC(attention_dim, position_wise_mlp_dim, None, nn.ReLU, use_bias=False),
                SlimFC(position_wise_mlp_dim, attention_dim, None, nn.ReLU, use_bias=False),
            )
            units += [
                SkipConnection(layer, GRUGate(attention_dim, init_gru_gate_bias))
                for layer in (attention, mlp)
            ]
        self.attention_layers = nn.Sequential(*units)

    def forward(
        self, inputs: torch.Tensor, memories: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """[B, T, in_dim], [B, M, D] a unit -> [B, T, D], and what each unit was given."""
        out: torch.Tensor = self.linear_layer(inputs)
        given = []
        for index, layer in enumerate(self.attention_layers):
            if index % 2 == 0:
                given.append(out)
                out = layer(out, memory=memories[index // 2])
            else:
                out = layer(out)
        return out, given


class SkipConnection(nn.Module):
    """A way around a layer, both merged by a gate."""

    def __init__(self, layer: nn.Module, fan_in_layer: nn.Module) -> None:
        super().__init__()
        self._layer = layer
        self._fan_in_layer = fan_in_layer

    def forward(self, inputs: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]; keyword arguments go to the layer."""
        out: torch.Tensor = self._fan_in_layer(inputs, self._layer(inputs, **kwargs))
        return out


class GRUGate(nn.Module):
    """Merge a layer's input h and output x as a GRU merges its state and input."""

    def __init__(self, dim: int, init_bias: float) -> None:
        super().__init__()
        self._w_r, self._w_z, self._w_h, self._u_r, self._u_z, self._u_h = (
            nn.Parameter(nn.init.xavier_uniform_(torch.empty(dim, dim))) for _ in range(6)
        )
        self._bias_z = nn.Parameter(torch.full((dim,), init_bias))

    def forward(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """[..., D] each -> [..., D]."""

        def dot(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return torch.tensordot(left, right, dims=1)  # type: ignore[no-any-return]

        r = torch.sigmoid(dot(x, self._w_r) + dot(h, self._u_r))
        z = torch.sigmoid(dot(x, self._w_z) + dot(h, self._u_z) - self._bias_z)
        proposed = torch.tanh(dot(x, self._w_h) + dot(h * r, self._u_h))
        return (1 - z) * h + z * proposed


class RelativeMultiHeadAttention(nn.Module):
    """Causal attention with relative positions, to a memory too, which gets no gradient.

    Dai et al., Transformer-XL, 2019.
    """

    def __init__(self, dim: int, num_heads: int, head_dim: int) -> None:
        super().__init__()
        self._num_heads, self._head_dim = num_heads, head_dim
        width = num_heads * head_dim
        self._qkv_layer = SlimFC(dim, 3 * width, use_bias=False)
        self._linear_layer = SlimFC(width, dim, use_bias=False, activation_fn=nn.ReLU)
        self._uvar = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_heads, head_dim)))
        self._vvar = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_heads, head_dim)))
        self._pos_proj = SlimFC(dim, width, use_bias=False)
        self._rel_pos_embedding = RelativePositionEmbedding(dim)
        self._input_layernorm = nn.LayerNorm(dim)

    def forward(self, inputs: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """[B, T, D], [B, M, D] -> [B, T, D]."""
        steps, past = inputs.shape[1], memory.shape[1]
        heads, size = self._num_heads, self._head_dim
        seen = past + steps
        whole = self._input_layernorm(torch.cat((memory.detach(), inputs), dim=1))
        queries, keys, values = torch.chunk(self._qkv_layer(whole), 3, dim=-1)
        queries = queries[:, -steps:].reshape(-1, steps, heads, size)
        keys = keys.reshape(-1, seen, heads, size)
        values = values.reshape(-1, seen, heads, size)
        positions = self._pos_proj(self._rel_pos_embedding(seen)).reshape(seen, heads, size)

        score = torch.einsum("bihd,bjhd->bijh", queries + self._uvar, keys)
        by_position = torch.einsum("bihd,jhd->bijh", queries + self._vvar, positions)
        score = (score + _rel_shift(by_position)) / size**0.5
        last = torch.arange(past, seen, device=score.device)
        future = torch.arange(seen, device=score.device) > last[:, None]
        weights = torch.softmax(score.masked_fill(future[None, :, :, None], -1e30), dim=2)
        out = torch.einsum("bijh,bjhd->bihd", weights, values)
        merged: torch.Tensor = self._linear_layer(out.reshape(-1, steps, heads * size))
        return merged


def _rel_shift(x: torch.Tensor) -> torch.Tensor:
    """Shift row i of [B, T, S, H] by T - 1 - i along S, so that scores line up with keys."""
    batch, rows, columns, heads = x.shape
    padded = nn.functional.pad(x, (0, 0, 1, 0)).reshape(batch, columns + 1, rows, heads)
    return padded[:, 1:].reshape(batch, rows, columns, heads)


class RelativePositionEmbedding(nn.Module):
    """Sines, then cosines, of the distances seq_length - 1 down to 0."""

    inverse_freq: torch.Tensor

    def __init__(self, out_dim: int) -> None:
        super().__init__()
        exponents = torch.arange(0, out_dim, 2.0) / out_dim
        self.register_buffer("inverse_freq", 1 / (10000**exponents))

    def forward(self, seq_length: int) -> torch.Tensor:
        """Return float32[seq_length, 1, out_dim]."""
        distances = torch.arange(
            seq_length - 1, -1, -1.0, dtype=torch.float, device=self.inverse_freq.device
        )
        angles = torch.einsum("i,j->ij", distances, self.inverse_freq)
        return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)[:, None, :]
