"""A dense layer with its activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.layers.activations import activation


class SlimFC(nn.Module):
    """Linear layer, Xavier-initialized unless told otherwise, then an activation if given."""

    def __init__(
        self,
        in_size: int,
        out_size: int,
        initializer: Callable[[torch.Tensor], Any] | None = None,
        activation_fn: str | Callable[[], nn.Module] | None = None,
        use_bias: bool = True,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        linear = nn.Linear(in_size, out_size, bias=use_bias)
        (initializer or nn.init.xavier_uniform_)(linear.weight)
        if use_bias:
            nn.init.constant_(linear.bias, bias_init)
        act = activation(activation_fn)
        self._model = nn.Sequential(linear, *([act()] if act else []))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: float32[..., in_size] -> float32[..., out_size]."""
        out: torch.Tensor = self._model(x)
        return out
