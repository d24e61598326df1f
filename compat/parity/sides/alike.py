"""What sides of every framework must do alike, for their numbers to be comparable.

KL_FROM            what the inputs of the other distribution of a KL are multiplied by
MASKED_FROM        outputs as large as this stand for "never", and get no cotangent
cotangent          what an output is multiplied by before gradients are taken
old_distribution   what a distribution of the old stack says
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from rlmigrate.compat.parity.arrays import Array, Nested

#: KL is taken from the distribution of these inputs times this: legal wherever the inputs are.
KL_FROM = 0.5
MASKED_FROM = 1e8


def cotangent(name: str, shape: Sequence[int], seed: int) -> Array:
    """Draw float64[shape], fixed by an output's name and shape."""
    # This generator's numbers are the same in every numpy; recordings of old ones have them.
    random = np.random.RandomState((zlib.crc32(name.encode()) + seed) % 2**32)
    return np.asarray(random.normal(size=tuple(shape)))


def old_distribution(
    dist_class: Callable[[Any, Any], Any], model: Any, logits: Any, actions: Nested
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name what a distribution of inputs [B, K] says, as functions that have yet to be called."""

    @cache
    def dist() -> Any:
        return dist_class(logits, model)

    yield "logp", lambda: dist().logp(actions)
    yield "entropy", lambda: dist().entropy()
    yield "kl", lambda: dist_class(KL_FROM * logits, model).kl(dist())
    yield "deterministic_action", lambda: dist().deterministic_sample()
