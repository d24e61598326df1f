"""Default convolution stacks by image size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def filters_for(shape: Sequence[int]) -> list[list[Any]]:
    """Return RLlib's rows of channels, kernel and stride for images of 96, 84, 64, 42 or 10.

    Raises ValueError for other sizes: give `conv_filters` then.
    """
    stacks: dict[int, list[list[Any]]] = {
        96: [[16, [8, 8], 4], [32, [4, 4], 2], [256, [11, 11], 2]],
        84: [[16, [8, 8], 4], [32, [4, 4], 2], [256, [11, 11], 1]],
        64: [[16, [4, 4], 2], [32, [4, 4], 2], [64, [4, 4], 2], [128, [4, 4], 2]],
        42: [[16, [4, 4], 2], [32, [4, 4], 2], [256, [11, 11], 1]],
        10: [[16, [5, 5], 2], [32, [5, 5], 2]],
    }
    sides = list(shape)
    for side, rows in stacks.items():
        if len(sides) in (2, 3) and [side, side] in (sides[:2], sides[1:]):
            return rows
    raise ValueError(f"no default conv_filters for observations of shape {sides}; give your own")
