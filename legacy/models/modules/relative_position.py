"""Sinusoids of the distance between steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class RelativePositionEmbedding(nn.Module):
    """Sines, then cosines, of the distances seq_length - 1 down to 0."""

    inverse_freq: torch.Tensor

    def __init__(self, out_dim: int, **kwargs: Any) -> None:
        super().__init__()
        self.out_dim = out_dim
        exponents = torch.arange(0, out_dim, 2.0) / out_dim
        self.register_buffer("inverse_freq", 1 / (10000**exponents))

    def forward(self, seq_length: int) -> torch.Tensor:
        """Give float32[seq_length, 1, out_dim]."""
        distances = torch.arange(seq_length - 1, -1, -1.0, dtype=torch.float).to(
            self.inverse_freq.device
        )
        angles = torch.einsum("i,j->ij", distances, self.inverse_freq)
        return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)[:, None, :]
