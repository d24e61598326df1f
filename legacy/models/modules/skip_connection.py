"""A way around a layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class SkipConnection(nn.Module):
    """Add a layer's input to its output, or merge both by `fan_in_layer`."""

    def __init__(
        self, layer: nn.Module, fan_in_layer: nn.Module | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._layer = layer
        self._fan_in_layer = fan_in_layer

    def forward(self, inputs: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Map inputs as the layer does; keyword arguments go to the layer."""
        outputs: torch.Tensor = self._layer(inputs, **kwargs)
        if self._fan_in_layer is None:
            return outputs + inputs
        merged: torch.Tensor = self._fan_in_layer((inputs, outputs))
        return merged
