"""A convolution with its padding and activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.layers.activations import activation


class SlimConv2d(nn.Module):
    """Zero padding, convolution (Xavier-initialized), activation (ReLU unless told otherwise)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int | Sequence[int],
        stride: int | Sequence[int],
        padding: int | Sequence[int] | None,
        initializer: str | Callable[[torch.Tensor], Any] | None = "default",
        activation_fn: str | Callable[[], nn.Module] | None = "default",
        bias_init: float = 0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if padding:
            layers.append(nn.ZeroPad2d(padding))  # type: ignore[arg-type]
        conv = nn.Conv2d(in_channels, out_channels, kernel, stride)  # type: ignore[arg-type]
        if initializer == "default":
            nn.init.xavier_uniform_(conv.weight)
        elif callable(initializer):
            initializer(conv.weight)
        assert conv.bias is not None
        nn.init.constant_(conv.bias, bias_init)
        layers.append(conv)
        act = nn.ReLU if activation_fn == "default" else activation(activation_fn)
        if act:
            layers.append(act())
        self._model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: float32[B, in_channels, H, W] -> float32[B, out_channels, H', W']."""
        out: torch.Tensor = self._model(x)
        return out
