"""Transposed convolutions, which make images from features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.models.activations import activation_for, initialize
from rlmigrate.new_stack.models.cnn import LayerNorm1D
from rlmigrate.new_stack.models.padding import pair, same_padding_after_stride, strided_size


class TorchCNNTranspose(nn.Module):
    """Transposed convolutions: float[B, W, H, C] to float[B, w, h, c], each stride times larger."""

    def __init__(
        self,
        *,
        input_dims: Sequence[int],
        cnn_transpose_filter_specifiers: Sequence[Any],
        cnn_transpose_use_bias: bool = True,
        cnn_transpose_activation: Any = "relu",
        cnn_transpose_use_layernorm: bool = False,
        cnn_transpose_kernel_initializer: Any = None,
        cnn_transpose_kernel_initializer_config: dict[str, Any] | None = None,
        cnn_transpose_bias_initializer: Any = None,
        cnn_transpose_bias_initializer_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        assert len(input_dims) == 3, f"input_dims must be (width, height, channels): {input_dims}"
        make_activation = activation_for(cnn_transpose_activation)
        layers: list[nn.Module] = []
        width, height, depth = input_dims
        last = len(cnn_transpose_filter_specifiers) - 1
        for index, (channels, kernel, stride) in enumerate(cnn_transpose_filter_specifiers):
            k_w, k_h = pair(kernel)
            spread = Stride2D(width, height, *pair(stride))
            padding, (width, height) = same_padding_after_stride(
                (spread.out_width, spread.out_height), kernel, stride
            )
            conv = nn.ConvTranspose2d(
                depth,
                channels,
                kernel,
                1,
                # The padding is done before, so that it can differ between the two sides.
                padding=(k_w - 1, k_h - 1),
                bias=cnn_transpose_use_bias or index == last,
            )
            initialize(
                conv.weight,
                cnn_transpose_kernel_initializer,
                cnn_transpose_kernel_initializer_config,
            )
            initialize(
                conv.bias, cnn_transpose_bias_initializer, cnn_transpose_bias_initializer_config
            )
            layers += [spread, nn.ZeroPad2d(padding), conv]
            if index < last:
                if cnn_transpose_use_layernorm:
                    layers.append(LayerNorm1D(channels, eps=0.001))
                if make_activation is not None:
                    layers.append(make_activation())
            depth = channels
        self.cnn_transpose = nn.Sequential(*layers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Compute the images."""
        out: torch.Tensor = self.cnn_transpose(inputs.permute(0, 3, 1, 2))
        return out.permute(0, 2, 3, 1)


class Stride2D(nn.Module):
    """Puts zeros between neighbouring pixels: float[B, C, W, H].

    Strides of 1 and images that are not square work, which they do not in Ray. The two buffers are
    not needed for computing; Ray's checkpoints have them.
    """

    def __init__(self, width: int, height: int, stride_w: int, stride_h: int) -> None:
        super().__init__()
        self.width, self.height = width, height
        self.stride_w, self.stride_h = stride_w, stride_h
        self.out_width = strided_size(width, stride_w)
        self.out_height = strided_size(height, stride_h)
        places = torch.zeros(1, 1, self.out_width, self.out_height, dtype=torch.bool)
        places[:, :, ::stride_w, ::stride_h] = True
        self.register_buffer("zeros", torch.zeros(places.shape))
        self.register_buffer("where_template", places)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Spread the pixels."""
        out = x.new_zeros((*x.shape[:2], self.out_width, self.out_height))
        out[:, :, :: self.stride_w, :: self.stride_h] = x
        return out
