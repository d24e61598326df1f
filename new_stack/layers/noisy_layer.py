"""A dense layer with trainable noise."""

from __future__ import annotations

import math

import torch
from torch import nn

from rlmigrate.new_stack.layers.activations import activation


class NoisyLayer(nn.Module):
    """Linear layer with factorised noise that is drawn anew at each call (Fortunato 2017)."""

    def __init__(
        self, in_size: int, out_size: int, sigma0: float, activation_fn: str | None = "relu"
    ) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(in_size)
        weight = 6.0 / math.sqrt(in_size + out_size)
        self.sigma_w = nn.Parameter(torch.empty(in_size, out_size).uniform_(-bound, bound))
        self.sigma_b = nn.Parameter(torch.full((out_size,), sigma0 * bound))
        self.w = nn.Parameter(torch.full((in_size, out_size), weight))
        self.b = nn.Parameter(torch.zeros(out_size))
        found = activation(activation_fn)
        self.activation = found() if found else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: float32[B, in_size] -> float32[B, out_size]; draws on the CPU on any device."""
        rows, columns = (
            (torch.sign(e) * torch.pow(torch.abs(e), 0.5)).to(x.device)
            for e in (torch.randn(self.w.shape[0]), torch.randn(self.w.shape[1]))
        )
        noise = torch.matmul(rows.unsqueeze(-1), columns.unsqueeze(0))
        out = torch.matmul(x, self.w + self.sigma_w * noise) + self.b + self.sigma_b * columns
        return out if self.activation is None else self.activation(out)  # type: ignore[no-any-return]
