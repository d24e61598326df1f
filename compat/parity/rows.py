"""Rows and elements whose numbers mean nothing.

Rows      of one case: padding, no legal action, ties, forbidden actions
padding   the padded rows of sequences
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.masks import ABYSS, UNDERFLOW, masking
from rlmigrate.compat.parity.references import References
from rlmigrate.compat.parity.sides.base import Run, source_of

Segments: TypeAlias = Callable[[int], tuple[tuple[int, int], ...]]


class Rows:
    """Rows whose numbers mean nothing: padding, no legal action, ties, forbidden actions."""

    def __init__(
        self,
        case: Case,
        expected: dict[str, Array],
        theirs: Run,
        segments: Segments,
        references: References,
    ) -> None:
        self._case = case
        self._find = segments
        self._references = references
        self._scores = "dist_inputs" if "dist_inputs" in expected else "q_values"
        self._old = expected.get(self._scores)
        self._new = theirs.outputs.get(self._scores)
        self._padded = padding(case)

    def segments(self, path: str, value: Array) -> tuple[tuple[int, int], ...]:
        """Find the categorical parts of a logits output; none for others."""
        if source_of(path) != "dist_inputs" or value.ndim < 2:
            return ()
        return self._find(value.shape[-1])

    def ignored(self, path: str, old: Array, new: Array) -> Array | None:
        """Mark the elements of an output that mean nothing."""
        if old.shape != new.shape or old.ndim == 0 or path.startswith("state_out"):
            return None
        marked = np.zeros(old.shape[0], dtype=bool)
        if self._padded is not None and len(self._padded) == len(marked):
            marked |= self._padded
        if path.partition(".")[0] in ("logp", "entropy", "kl", "deterministic_action"):
            marked |= self._void(len(marked))
        if path == "logp":
            # A masked action: -3e38 on one side, -inf or -1e9 on the other, all impossible.
            marked |= (old < ABYSS) & (new < UNDERFLOW)
        if source_of(path) in ("q_values", "critic", "twin_critic") and old.dtype.kind == "f":
            # Forbidden on both sides, by -inf or by a number as large: never the best action.
            forbidden: Array = (old < ABYSS) & (new < ABYSS)
            if forbidden.any():
                return forbidden | marked.reshape(-1, *(1,) * (old.ndim - 1))
        if path == "kl":
            marked |= ~(np.abs(old) < -ABYSS) & ~(np.abs(new) < -ABYSS)
        if path.startswith("deterministic_action") and old.dtype.kind in "iu":
            differ = (old != new).reshape(len(marked), -1).any(axis=1) & ~marked
            if differ.any():
                marked |= differ & self._tied(len(marked))
        if not marked.any():
            return None
        column: Array = marked.reshape(-1, *(1,) * (old.ndim - 1))
        return column

    def _void(self, rows: int) -> Array:
        old, new = self._old, self._new
        if old is None or new is None or old.shape != new.shape or old.ndim != 2:
            return np.zeros(rows, dtype=bool)
        if self._scores == "q_values":
            return np.asarray(((old < ABYSS) & (new < ABYSS)).all(axis=-1))
        parts = self._find(old.shape[-1])
        void: Array = np.asarray(masking(old, new, parts).void.any(axis=-1))
        return void

    def _tied(self, rows: int) -> Array:
        """Find rows whose two best categories are closer than float32 can tell."""
        tied = np.zeros(rows, dtype=bool)
        wide = self._references.array(self._scores)
        old = self._old
        if old is None or wide is None or old.ndim != 2 or len(old) != rows:
            return tied
        finite = np.isfinite(wide) & (np.abs(wide) < -ABYSS) & np.isfinite(old)
        if not finite.any():
            return tied
        floor = max(
            measures.noise_floor(old[finite], wide[finite]),
            self._references.neighbours(self._scores),
        )
        whole = ((0, old.shape[-1]),)
        for start, stop in whole if self._scores == "q_values" else self._find(old.shape[-1]):
            if stop - start > 1:
                best = np.sort(wide[:, start:stop], axis=-1)[:, -2:]
                tied |= (best[:, 1] - best[:, 0]) <= 4 * floor
        return tied


def padding(case: Case) -> Array | None:
    """Mark the padded rows of sequences: bool[B]."""
    if case.seq_lens is None or case.steps == 1:
        return None
    steps = np.arange(case.steps)[None, :]
    padded: Array = (steps >= np.asarray(case.seq_lens)[:, None]).reshape(-1)
    return padded
