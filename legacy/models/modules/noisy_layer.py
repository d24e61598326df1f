"""A dense layer with trainable noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from rlmigrate.legacy.models.utils import get_activation_fn


class NoisyLayer(nn.Module):
    """Compute x (w + sigma_w e_w) + b + sigma_b e_b, with new factorised noise at each call.

    Fortunato et al., Noisy Networks for Exploration, 2017, with RLlib's initial values.
    """

    def __init__(
        self, in_size: int, out_size: int, sigma0: float, activation: Any = "relu"
    ) -> None:
        super().__init__()
        self.in_size = int(in_size)
        self.out_size = int(out_size)
        self.sigma0 = sigma0
        self.activation = get_activation_fn(activation, framework="torch")
        if self.activation is not None:
            self.activation = self.activation()
        bound = 1.0 / np.sqrt(float(self.in_size))
        shape = (self.in_size, self.out_size)
        # numpy's global generator, as in RLlib: equal seeds give equal weights.
        noise = np.random.uniform(low=-bound, high=bound, size=shape)
        self.sigma_w = nn.Parameter(torch.from_numpy(noise).float())
        self.sigma_b = self._filled((self.out_size,), sigma0 / np.sqrt(float(self.in_size)))
        self.w = self._filled(shape, 6 / np.sqrt(float(self.in_size) + float(self.out_size)))
        self.b = self._filled((self.out_size,), 0.0)

    @staticmethod
    def _filled(shape: tuple[int, ...], value: float) -> nn.Parameter:
        return nn.Parameter(torch.from_numpy(np.full(shape, value)).float())

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map [B, in_size] to [B, out_size]; draws on the CPU, whatever the device."""
        noise_in = self._scaled(torch.randn(self.in_size)).to(inputs.device)
        noise_out = self._scaled(torch.randn(self.out_size)).to(inputs.device)
        noise = torch.matmul(noise_in.unsqueeze(-1), noise_out.unsqueeze(0))
        out = (
            torch.matmul(inputs, self.w + self.sigma_w * noise) + self.b + self.sigma_b * noise_out
        )
        return out if self.activation is None else self.activation(out)  # type: ignore[no-any-return]

    @staticmethod
    def _scaled(x: torch.Tensor) -> torch.Tensor:
        return torch.sign(x) * torch.pow(torch.abs(x), 0.5)
