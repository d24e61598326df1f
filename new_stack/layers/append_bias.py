"""Log standard deviations that do not depend on the input."""

from __future__ import annotations

import torch
from torch import nn


class AppendBiasLayer(nn.Module):
    """Append one learned number per output, the `free_log_std` of RLlib."""

    def __init__(self, num_bias_vars: int) -> None:
        super().__init__()
        self.log_std = nn.Parameter(torch.zeros(num_bias_vars))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: float32[B, N] -> float32[B, N + num_bias_vars]."""
        return torch.cat([x, self.log_std.unsqueeze(0).repeat([len(x), 1])], dim=1)
