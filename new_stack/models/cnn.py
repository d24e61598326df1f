"""Convolutional nets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.layers.padding import same_padding, valid_padding
from rlmigrate.new_stack.models.activations import activation_for, initialize


class TorchCNN(nn.Module):
    """Convolutions with activations: float[B, W, H, C] to float[B, w, h, c].

    A filter is (channels, kernel, stride), padded to "same", or with a fourth entry "valid".
    """

    def __init__(
        self,
        *,
        input_dims: Sequence[int],
        cnn_filter_specifiers: Sequence[Any],
        cnn_use_bias: bool = True,
        cnn_use_layernorm: bool = False,
        cnn_activation: Any = "relu",
        cnn_kernel_initializer: Any = None,
        cnn_kernel_initializer_config: dict[str, Any] | None = None,
        cnn_bias_initializer: Any = None,
        cnn_bias_initializer_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        assert len(input_dims) == 3, f"input_dims must be (width, height, channels): {input_dims}"
        make_activation = activation_for(cnn_activation)
        layers: list[nn.Module] = []
        *size, depth = input_dims
        for channels, kernel, stride, *rest in cnn_filter_specifiers:
            if not rest or rest[0] == "same":
                padding, out_size = same_padding(size, kernel, stride)
                layers.append(nn.ZeroPad2d(padding))
            else:
                out_size = valid_padding(size, kernel, stride)
            conv = nn.Conv2d(depth, channels, kernel, stride, bias=cnn_use_bias)
            initialize(conv.weight, cnn_kernel_initializer, cnn_kernel_initializer_config)
            initialize(conv.bias, cnn_bias_initializer, cnn_bias_initializer_config)
            layers.append(conv)
            if cnn_use_layernorm:
                layers.append(LayerNorm1D(channels, eps=0.001))
            if make_activation is not None:
                layers.append(make_activation())
            size, depth = list(out_size), channels
        self.cnn = nn.Sequential(*layers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Compute the features."""
        out: torch.Tensor = self.cnn(inputs.permute(0, 3, 1, 2))
        return out.permute(0, 2, 3, 1)


class LayerNorm1D(nn.Module):
    """Normalizes over the channels of each pixel: float[B, C, H, W]."""

    def __init__(self, num_features: int, **kwargs: Any) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(num_features, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize."""
        out: torch.Tensor = self.layer_norm(x.permute(0, 2, 3, 1))
        return out.permute(0, 3, 1, 2)
