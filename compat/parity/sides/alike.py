"""What sides of every framework must do alike, for their numbers to be comparable.

KL_FROM            what the inputs of the other distribution of a KL are multiplied by
MASKED_FROM        outputs as large as this stand for "never", and get no cotangent
cotangent          what an output is multiplied by before gradients are taken
old_distribution   what a distribution of the old stack says
said               an exception as a line, with its place where it says nothing
OfNet              a side around one net, by whose class it goes
OfModule           a side around an RLModule, with its initial state
"""

from __future__ import annotations

import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rlmigrate.compat.parity.arrays import Array, Nested, leaves

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


def said(error: Exception) -> str:
    """Give an exception's type and text; without a text, the place that raised it.

    >>> said(ValueError("no such key"))
    'ValueError: no such key'
    """
    kind, text = type(error).__name__, str(error)
    if text or error.__traceback__ is None:
        return f"{kind}: {text}"
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{kind} at `{last.line}` ({Path(last.filename).name}:{last.lineno})"


class OfNet:
    """A side around one net."""

    def __init__(self, net: Any) -> None:
        self._net = net

    @property
    def label(self) -> str:
        """Qualified name of the class."""
        return f"{type(self._net).__module__}.{type(self._net).__qualname__}"


class OfModule:
    """A side around an RLModule."""

    module: Any

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state's leaves, in the order of the module's own dict."""
        return tuple(tuple(np.shape(leaf)) for leaf in leaves(self._initial_state()))

    def _initial_state(self) -> Nested:
        state = self.module.get_initial_state()
        return state if isinstance(state, Mapping) else {}
