"""Sizes and paddings of transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """Return a size for both dimensions."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def strided_size(size: int, stride: int) -> int:
    """Return the size with `stride - 1` zeros put between neighbours."""
    return size * stride - (stride - 1)


def same_padding_after_stride(
    strided: tuple[int, int], kernel: int | Sequence[int], stride: int | Sequence[int]
) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """Return the padding (left, right, top, bottom) and the padded size before the kernel.

    With it, a transposed convolution gives `stride` times the size that came in. Ray swaps the two
    sides, which shows with kernels that are not square.
    """
    padding: list[int] = []
    out: list[int] = []
    for size, width, step in zip(strided, pair(kernel), pair(stride), strict=True):
        total = width - 1 + step - 1
        padding += [total - total // 2, total // 2]
        out.append(size + total - width + 1)
    top, bottom, left, right = padding
    return (left, right, top, bottom), (out[0], out[1])
