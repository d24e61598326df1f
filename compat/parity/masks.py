"""Masked logits compared as what they mean: probability zero.

RLlib models mask with FLOAT_MIN, -inf or a large negative number; after softmax all are zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rlmigrate.compat.parity.arrays import Array

#: exp(-104) is zero in float32, so nothing below the row's maximum by more can be chosen.
UNDERFLOW = -104.0
#: A row whose largest logit is below this has no legal action; its softmax is an artefact.
ABYSS = -1e8


@dataclass(frozen=True)
class Masking:
    """Where each side masks: bool[rows, logits]; and rows in which nothing is legal."""

    old: Array
    new: Array
    void: Array


def impossible(logits: Array) -> Array:
    """Tell which logits of one categorical get probability zero: bool[..., K].

    >>> import numpy as np
    >>> impossible(np.float32([[1.0, -np.inf, -3e38]])).tolist()
    [[False, True, True]]
    """
    wide = np.nan_to_num(logits.astype(np.float64), nan=np.nan, posinf=np.inf, neginf=-1e300)
    top = wide.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        below: Array = (wide - top < UNDERFLOW) | (wide < ABYSS)
    return below


def masking(old: Array, new: Array, segments: tuple[tuple[int, int], ...]) -> Masking:
    """Find the masked logits of each categorical segment `[start, stop)` on both sides.

    Rows that the old side masks entirely are void if the new side does so too or gives NaN.
    """
    masked_old = np.zeros(old.shape, dtype=bool)
    masked_new = np.zeros(new.shape, dtype=bool)
    void = np.zeros(old.shape, dtype=bool)
    for start, stop in segments:
        part_old, part_new = old[..., start:stop], new[..., start:stop]
        here_old, here_new = impossible(part_old), impossible(part_new)
        empty_old = (here_old | np.isnan(part_old)).all(axis=-1, keepdims=True)
        empty_new = (here_new | np.isnan(part_new)).all(axis=-1, keepdims=True)
        masked_old[..., start:stop] = here_old
        masked_new[..., start:stop] = here_new
        void[..., start:stop] = empty_old & empty_new
    return Masking(masked_old, masked_new, void)


def action_segments(sizes: list[tuple[str, int]]) -> tuple[tuple[int, int], ...]:
    """Turn the parts of a logits vector, `("categorical", 3)` or `("other", 4)`, into segments."""
    segments = []
    start = 0
    for kind, size in sizes:
        if kind == "categorical":
            segments.append((start, start + size))
        start += size
    return tuple(segments)
