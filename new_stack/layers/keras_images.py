"""Keras's layers over images and series as torch modules: dimensions as Keras lays them out.

KerasConv1D, KerasConv2D                    convolutions
KerasMaxPooling2D, KerasAveragePooling2D    pooling by windows
KerasGlobalAveragePooling2D, KerasGlobalMaxPooling2D, KerasZeroPadding2D   and of whole images
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F

from rlmigrate.new_stack.layers.keras_layers import (
    Activation,
    Initializer,
    keras_activation,
    keras_parameter,
    last_dimension,
)
from rlmigrate.new_stack.layers.keras_symbols import KerasLayer


def same_around(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """What "same" adds before and after a dimension; more below and to the right, as in TF."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def known_padding(padding: str) -> str:
    """Return "same" or "valid". Raises ValueError for another padding."""
    if padding.lower() not in ("valid", "same"):
        raise ValueError(f"unknown padding {padding!r}; known: valid, same")
    return padding.lower()


def each_way(number: int | Sequence[int], dimensions: int) -> tuple[int, ...]:
    """Return one number a dimension."""
    return (number,) * dimensions if isinstance(number, int) else tuple(number)


class KerasConv(KerasLayer):
    """A convolution: float[B, ..., C] -> float32[B, ..., filters]."""

    dimensions: ClassVar[int]

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters, self.activation = int(filters), keras_activation(activation)
        self.kernel = each_way(kernel_size, self.dimensions)
        self.strides, self.padding = each_way(strides, self.dimensions), known_padding(padding)
        self.use_bias, self.initializers = use_bias, (kernel_initializer, bias_initializer)

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make weight [filters, C, *kernel] and bias."""
        shape = [self.filters, last_dimension(size), *self.kernel]
        self.weight = keras_parameter(shape, self.initializers[0])
        self.bias = keras_parameter([self.filters], self.initializers[1]) if self.use_bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve."""
        x = x.movedim(-1, 1)
        if self.padding == "same":
            sizes = zip(x.shape[2:], self.kernel, self.strides, strict=True)
            around = [same_around(*each) for each in sizes]
            x = F.pad(x, [n for pair in reversed(around) for n in pair])
        convolve = F.conv1d if self.dimensions == 1 else F.conv2d
        out = convolve(x, self.weight, self.bias, stride=self.strides)  # type: ignore[arg-type]
        return self.activation(out.movedim(1, -1))


class KerasConv1D(KerasConv):
    """Conv1D: float[B, T, C] -> float32[B, T', filters]."""

    dimensions: ClassVar[int] = 1


class KerasConv2D(KerasConv):
    """Conv2D: float[B, H, W, C] -> float32[B, H', W', filters]."""

    dimensions: ClassVar[int] = 2


class KerasPooling2D(KerasLayer):
    """Pooling by windows: float[B, H, W, C] -> float32[B, H', W', C]."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.pool = each_way(pool_size, 2)
        self.strides = self.pool if strides is None else each_way(strides, 2)
        self.padding = known_padding(padding)

    def padded(self, x: torch.Tensor, value: float) -> torch.Tensor:
        """Add what "same" adds: float[B, C, H, W]."""
        if self.padding == "valid":
            return x
        sizes = zip(x.shape[2:], self.pool, self.strides, strict=True)
        around = [same_around(*each) for each in sizes]
        return F.pad(x, [n for pair in reversed(around) for n in pair], value=value)


class KerasMaxPooling2D(KerasPooling2D):
    """MaxPooling2D."""

    kind: ClassVar[str] = "max_pooling2d"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take the greatest of each window."""
        x = self.padded(x.movedim(-1, 1), -math.inf)
        return F.max_pool2d(x, self.pool, self.strides).movedim(1, -1)


class KerasAveragePooling2D(KerasPooling2D):
    """AveragePooling2D; what "same" adds does not count."""

    kind: ClassVar[str] = "average_pooling2d"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Average each window."""
        x = x.movedim(-1, 1)
        share = F.avg_pool2d(self.padded(torch.ones_like(x), 0.0), self.pool, self.strides)
        return (F.avg_pool2d(self.padded(x, 0.0), self.pool, self.strides) / share).movedim(1, -1)


class KerasGlobalMaxPooling2D(KerasLayer):
    """GlobalMaxPooling2D: float[B, H, W, C] -> float32[B, C]."""

    kind: ClassVar[str] = "global_max_pooling2d"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take the greatest of each channel."""
        return x.amax(dim=(1, 2))


class KerasGlobalAveragePooling2D(KerasLayer):
    """GlobalAveragePooling2D: float[B, H, W, C] -> float32[B, C]."""

    kind: ClassVar[str] = "global_average_pooling2d"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Average each channel."""
        return x.mean(dim=(1, 2))
