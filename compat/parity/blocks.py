"""Several outputs of many cases of one shape, measured in one pass over all of them.

Block       outputs of one dtype side by side: a row for each case, columns for their elements
blocks_of   blocks of the outputs that can be laid side by side
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.judge import Judgement, equal
from rlmigrate.compat.parity.masks import ABYSS

#: One output in some cases: its path, the cases' numbers, and both sides' arrays.
Column: TypeAlias = tuple[str, Sequence[int], Sequence[Array], Sequence[Array]]


class Block:
    """Outputs that the same cases have, in one dtype; every size is taken once, for all of them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._paths = [path for path, _, _, _ in columns]
        self._cases = columns[0][1]
        self._shapes = [old[0].shape for _, _, old, _ in columns]
        self._sizes = [old[0].size for _, _, old, _ in columns]
        self._starts = np.cumsum([0, *self._sizes[:-1]])
        self._old = _laid_out([old for _, _, old, _ in columns])
        self._new = _laid_out([new for _, _, _, new in columns])

    def verdicts(
        self, limit: float, floors: Mapping[str, float]
    ) -> Iterator[tuple[int, str, Judgement]]:
        """Give what is equal, and what passes by a bound: case, path and verdict.

        `floors` is the noise of an output relative to its largest value, where it is known.
        """
        dtype = self._old.dtype
        passing = np.zeros_like(self._same)
        if dtype.kind == "f" and limit and not self._same.all():
            passing = ~self._same & self._within(limit, floors)
        for p, path in enumerate(self._paths):
            alike = equal(self._sizes[p], dtype)
            measured = self._measured(p) if passing[:, p].any() else []
            for row, case in enumerate(self._cases):
                if self._same[row, p]:
                    yield case, path, alike
                elif passing[row, p]:
                    yield case, path, measured[row]

    @cached_property
    def _same(self) -> Array:
        """Tell where a whole output is equal: bool[cases, paths]."""
        unequal = self._old != self._new
        if not unequal.any():
            return np.ones((len(self._cases), len(self._paths)), dtype=bool)
        return ~np.logical_or.reduceat(unequal, self._starts, axis=1)

    @cached_property
    def _gaps(self) -> Array:
        with np.errstate(all="ignore"):
            gaps: Array = np.abs(self._new.astype(np.float64) - self._old.astype(np.float64))
        return gaps

    @cached_property
    def _errors(self) -> Array:
        return np.asarray(np.maximum.reduceat(self._gaps, self._starts, axis=1))

    @cached_property
    def _tops(self) -> Array:
        return np.asarray(np.maximum.reduceat(np.abs(self._old), self._starts, axis=1))

    @cached_property
    def _ulps(self) -> Array:
        return _ulps_of(self._tops)

    def _within(self, limit: float, floors: Mapping[str, float]) -> Array:
        """Tell which outputs a bound lets pass: bool[cases, paths]."""
        self._floors = np.array([floors.get(path, 0.0) for path in self._paths])
        with np.errstate(all="ignore"):
            self._bounds = self._errors / np.maximum(self._ulps, self._floors * self._tops) + 1
            plain = np.isfinite(self._errors) & (self._tops < -ABYSS)
            return np.asarray(plain & (self._bounds <= limit))

    @cached_property
    def _details(self) -> tuple[Array, Array, Array]:
        """Give the largest relative error, the largest in ULPs, and how many elements differ."""
        with np.errstate(all="ignore"):
            shares = self._gaps / np.where(self._gaps == 0, 1, np.abs(self._old))
        ulps = measures.ulps(self._old, self._new)
        return (
            np.maximum.reduceat(shares, self._starts, axis=1),
            np.maximum.reduceat(ulps, self._starts, axis=1),
            np.add.reduceat(self._gaps > 0, self._starts, axis=1, dtype=np.int64),
        )

    def _measured(self, p: int) -> list[Judgement]:
        """Give the sizes of one output's differences, case by case, as verdicts that pass."""
        start, size = int(self._starts[p]), self._sizes[p]
        here = slice(start, start + size)
        at = self._gaps[:, here].argmax(axis=1)
        axes = [axis.tolist() for axis in np.unravel_index(at, self._shapes[p])]
        rows = np.arange(len(at))
        relative, ulps, differing = (sizes[:, p].tolist() for sizes in self._details)
        return [
            Judgement("", "", "bound", *sizes)
            for sizes in zip(
                self._errors[:, p].tolist(),
                relative,
                ulps,
                self._bounds[:, p].tolist(),
                differing,
                [size] * len(at),
                zip(*axes, strict=True),
                self._old[rows, start + at].tolist(),
                self._new[rows, start + at].tolist(),
                self._errors[:, p].tolist(),
                strict=True,
            )
        ]


def blocks_of(columns: Sequence[Column]) -> list[Block]:
    """Lay outputs side by side by dtype and cases; those of several shapes or dtypes stay out."""
    together: dict[tuple[object, ...], list[Column]] = {}
    for column in columns:
        _, cases, old, new = column
        if _alike([*old, *new]):
            together.setdefault((old[0].dtype, tuple(cases)), []).append(column)
    return [Block(group) for group in together.values()]


def _laid_out(outputs: Sequence[Sequence[Array]]) -> Array:
    """Put outputs side by side: one row for each case."""
    return np.concatenate([np.stack(values).reshape(len(values), -1) for values in outputs], axis=1)


def _alike(arrays: Sequence[Array]) -> bool:
    """Tell whether all have one shape and dtype, with at least one element and no axis missing."""
    head = arrays[0]
    return (
        head.ndim > 0
        and head.size > 0
        and all(a.shape == head.shape and a.dtype == head.dtype for a in arrays)
    )


def _ulps_of(tops: Array) -> Array:
    """Give the spacing of floats just below some magnitudes, in float64.

    A reference a little smaller may lie below a power of two, where the spacing is half.
    """
    kind = np.float16 if tops.dtype == np.float16 else np.float32
    eps = float(np.finfo(kind).eps)
    return np.asarray(np.spacing((tops * (1 - 64 * eps)).astype(kind)), dtype=np.float64)
