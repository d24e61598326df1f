"""Torch layers with RLlib's parameter names and initial values.

- `SlimFC`, `SlimConv2d`: one layer with its activation, parameters under `_model`.
- `AppendBiasLayer`: free log standard deviations.
- `Reshape`: a view.
- `normc_initializer`: rows of a fixed norm.
- `same_padding`, `same_padding_transpose_after_stride`, `valid_padding`: TF's sizes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from rlmigrate.legacy.models.utils import get_activation_fn

Size = int | Sequence[int]
Padding = tuple[int, int, int, int]


def normc_initializer(std: float = 1.0) -> Callable[[torch.Tensor], None]:
    """Make an initializer that draws normals and scales each row to the norm `std`."""

    def initialize(tensor: torch.Tensor) -> None:
        tensor.data.normal_(0, 1)
        tensor.data *= std / torch.sqrt(tensor.data.pow(2).sum(1, keepdim=True))

    return initialize


def _pair(size: Size) -> tuple[int, int]:
    if isinstance(size, int | float):
        return int(size), int(size)
    return int(size[0]), int(size[1])


def same_padding(
    in_size: Sequence[int], filter_size: Size, stride_size: Size
) -> tuple[Padding, tuple[int, int]]:
    """Compute the padding (left, right, top, bottom) and output size of TF's "same".

    >>> same_padding((84, 84), (8, 8), 4)
    ((2, 2, 2, 2), (21, 21))
    """
    (height, width), (rows, columns) = in_size, _pair(filter_size)
    down, across = _pair(stride_size)
    out = (math.ceil(height / down), math.ceil(width / across))
    vertical = int((out[0] - 1) * down + rows - height)
    horizontal = int((out[1] - 1) * across + columns - width)
    top, left = vertical // 2, horizontal // 2
    return (left, horizontal - left, top, vertical - top), out


def same_padding_transpose_after_stride(
    strided_size: tuple[int, int], kernel: Size, stride: Size
) -> tuple[Padding, tuple[int, int]]:
    """Compute the padding of a strided image so that ConvTranspose2d gives TF's "same" size.

    strided_size: (width, height) after zeros were put between the pixels.
    Gives (left, right, top, bottom) and the output's (width, height).
    """
    paddings: list[int] = []
    sizes: list[int] = []
    for size, kernel_size, step in zip(strided_size, _pair(kernel), _pair(stride), strict=True):
        total = kernel_size - 1 + step - 1
        # An odd one goes to the left and the top.
        paddings += [total - total // 2, total // 2]
        sizes.append(size + total - kernel_size + 1)
    left, right, top, bottom = paddings
    return (left, right, top, bottom), (sizes[0], sizes[1])


def valid_padding(in_size: Sequence[int], filter_size: Size, stride_size: Size) -> tuple[int, int]:
    """Compute the output size of TF's "valid".

    >>> valid_padding((11, 11), 11, 1)
    (1, 1)
    """
    rows, columns = _pair(filter_size)
    down, across = _pair(stride_size)
    return (
        math.ceil((in_size[0] - rows + 1) / down),
        math.ceil((in_size[1] - columns + 1) / across),
    )


def _activation(activation_fn: Any) -> list[nn.Module]:
    if isinstance(activation_fn, str):
        activation_fn = get_activation_fn(activation_fn, "torch")
    return [] if activation_fn is None else [activation_fn()]


class SlimFC(nn.Module):
    """A linear layer with an optional activation.

    The weight is Xavier uniform unless an initializer is given, the bias `bias_init`.
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        initializer: Callable[[torch.Tensor], Any] | None = None,
        activation_fn: Any = None,
        use_bias: bool = True,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        # int(): sizes computed by numpy are int64, which torch refuses.
        linear = nn.Linear(int(in_size), int(out_size), bias=use_bias)
        (initializer or nn.init.xavier_uniform_)(linear.weight)
        if use_bias:
            nn.init.constant_(linear.bias, bias_init)
        self._model = nn.Sequential(linear, *_activation(activation_fn))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [..., in_size] to [..., out_size]."""
        out: torch.Tensor = self._model(x)
        return out


class SlimConv2d(nn.Module):
    """A convolution with explicit zero padding (left, right, top, bottom) and an activation.

    Weights are Xavier uniform and the activation is ReLU unless given; None leaves torch's own
    initial weights, or no activation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Size,
        stride: Size,
        padding: int | Sequence[int] | None,
        initializer: Any = "default",
        activation_fn: Any = "default",
        bias_init: float = 0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ZeroPad2d(padding)] if padding else []  # type: ignore[arg-type]
        conv = nn.Conv2d(
            int(in_channels),
            int(out_channels),
            kernel if isinstance(kernel, int) else _pair(kernel),
            stride if isinstance(stride, int) else _pair(stride),
        )
        if initializer:
            (nn.init.xavier_uniform_ if initializer == "default" else initializer)(conv.weight)
        assert conv.bias is not None
        nn.init.constant_(conv.bias, bias_init)
        layers.append(conv)
        layers += _activation(nn.ReLU if activation_fn == "default" else activation_fn)
        self._model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [B, in_channels, H, W] to [B, out_channels, H', W']."""
        out: torch.Tensor = self._model(x)
        return out


class AppendBiasLayer(nn.Module):
    """Append trainable numbers, the same for every row: log standard deviations."""

    def __init__(self, num_bias_vars: int) -> None:
        super().__init__()
        self.log_std = nn.Parameter(torch.zeros(int(num_bias_vars)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [B, n] to [B, n + num_bias_vars]."""
        return torch.cat([x, self.log_std.unsqueeze(0).repeat([len(x), 1])], dim=1)


class Reshape(nn.Module):
    """A view of another shape."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give x as `self.shape`."""
        return x.view(*self.shape)
