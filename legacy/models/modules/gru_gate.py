"""The gate that GTrXL puts in the place of residual sums."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class GRUGate(nn.Module):
    """Merge a layer's input h and output x as a GRU merges its state and input.

    Parisotto et al., Stabilizing Transformers for Reinforcement Learning, 2019. A positive
    `init_bias` lets h through at first.
    """

    def __init__(self, dim: int, init_bias: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._w_r = self._weight(dim)
        self._w_z = self._weight(dim)
        self._w_h = self._weight(dim)
        self._u_r = self._weight(dim)
        self._u_z = self._weight(dim)
        self._u_h = self._weight(dim)
        self._bias_z = nn.Parameter(torch.full((dim,), float(init_bias)))

    @staticmethod
    def _weight(dim: int) -> nn.Parameter:
        weight = nn.Parameter(torch.zeros(dim, dim))
        nn.init.xavier_uniform_(weight)
        return weight

    def forward(self, inputs: tuple[torch.Tensor, torch.Tensor], **kwargs: Any) -> torch.Tensor:
        """Map (h, x), each [..., dim], to [..., dim]."""
        h, x = inputs

        def dot(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return torch.tensordot(left, right, dims=1)  # type: ignore[no-any-return]

        r = torch.sigmoid(dot(x, self._w_r) + dot(h, self._u_r))
        z = torch.sigmoid(dot(x, self._w_z) + dot(h, self._u_z) - self._bias_z)
        proposed = torch.tanh(dot(x, self._w_h) + dot(h * r, self._u_h))
        return (1 - z) * h + z * proposed
