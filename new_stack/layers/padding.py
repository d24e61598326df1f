"""Sizes and paddings of convolutions, as TensorFlow counts them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def _pair(value: int | float | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int | float):
        return int(value), int(value)
    return int(value[0]), int(value[1])


def same_padding(
    in_size: Sequence[int], filter_size: int | Sequence[int], stride_size: int | Sequence[int]
) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """Return the padding (left, right, top, bottom) of a "same" convolution and its output size."""
    out: list[int] = []
    before_after: list[tuple[int, int]] = []
    for size, kernel, stride in zip(in_size, _pair(filter_size), _pair(stride_size), strict=True):
        steps = math.ceil(size / stride)
        total = int((steps - 1) * stride + kernel - size)
        out.append(steps)
        before_after.append((total // 2, total - total // 2))
    (top, bottom), (left, right) = before_after
    return (left, right, top, bottom), (out[0], out[1])


def valid_padding(
    in_size: Sequence[int], filter_size: int | Sequence[int], stride_size: int | Sequence[int]
) -> tuple[int, int]:
    """Return the output size of a convolution without padding."""
    kernel, stride = _pair(filter_size), _pair(stride_size)
    return (
        math.ceil((in_size[0] - kernel[0] + 1) / stride[0]),
        math.ceil((in_size[1] - kernel[1] + 1) / stride[1]),
    )
