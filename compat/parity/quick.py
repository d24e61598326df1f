"""Verdicts that need no float64 run, on one output of many cases of one shape at a time.

The error in units of noise is `max|new - wide| / floor`, and `|new - wide|` is at most
`|new - old| + |old - wide|`. So with a floor of at least f, the ratio is at most
`max|new - old| / f + 1`, and what that bound lets pass needs no closer look:

- f is one ULP of the largest value, whatever the model's noise is; or
- f is the smallest noise, relative to the largest value, among a sample of the cases of that shape.

What the bound does not let pass is judged by its own noise, so that no case fails by a bound.
Few cases are all judged by their own noise, which says more than a bound.

pass_together   outputs that pass without a closer look, case by case
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.judge import Judgement, equal
from rlmigrate.compat.parity.masks import ABYSS
from rlmigrate.compat.parity.references import WideRuns
from rlmigrate.compat.parity.sides.base import Run, source_of

#: One case in so many is run in float64 for the noise of its shape, and never fewer than two.
SAMPLED = 16


#: A shape with no more cases than this has no bounds.
FEW = 4


def pass_together(
    cases: Sequence[Case],
    ours: Sequence[Run | Exception],
    theirs: Sequence[Run | Exception],
    wide: WideRuns,
    *,
    limit: float,
) -> list[dict[str, Judgement]]:
    """Give verdicts by path for each case; what is missing there takes a closer look."""
    known: list[dict[str, Judgement]] = [{} for _ in cases]
    groups: dict[tuple[object, ...], list[tuple[int, Run, Run]]] = {}
    for i, (case, left, right) in enumerate(zip(cases, ours, theirs, strict=True)):
        if isinstance(left, Run) and isinstance(right, Run):
            key = (case.rows, case.steps, tuple(left.outputs), tuple(right.outputs))
            groups.setdefault(key, []).append((i, left, right))
    for members in groups.values():
        group = _Group(members, limit if len(members) > FEW else 0.0)
        group.judge({})
        if len(group.open) > FEW:
            chosen = sample(group.open)
            wide.expect(group.names(chosen))
            group.judge(group.floors({k: wide.run(members[k][0]) for k in chosen}))
        wide.expect(group.names(group.open))
        for (i, _, _), verdicts in zip(members, group.verdicts, strict=True):
            known[i] = verdicts
    return known


class _Group:
    """Cases of one shape, numbered from 0, with the verdicts that are known."""

    def __init__(self, members: Sequence[tuple[int, Run, Run]], limit: float) -> None:
        self._members = members
        self._limit = limit
        _, left, right = members[0]
        self._paths = [path for path in right.outputs if source_of(path) in left.outputs]
        self.verdicts: list[dict[str, Judgement]] = [{} for _ in members]

    @property
    def open(self) -> list[int]:
        """Cases with an output that has no verdict."""
        return [k for k, found in enumerate(self.verdicts) if len(found) < len(self._paths)]

    def names(self, chosen: Sequence[int]) -> list[int]:
        """Give the numbers of some cases in the whole comparison."""
        return [self._members[k][0] for k in chosen]

    def judge(self, floors: Mapping[str, float]) -> None:
        """Judge what is open, with the relative noise of each path where it is known."""
        for path in self._paths:
            todo = [k for k, found in enumerate(self.verdicts) if path not in found]
            if not todo or (floors and not floors[path]):
                continue
            verdicts = judge_together(
                [self._members[k][1].outputs[source_of(path)] for k in todo],
                [self._members[k][2].outputs[path] for k in todo],
                limit=self._limit,
                floor=floors.get(path, 0.0),
            )
            for k, verdict in zip(todo, verdicts, strict=True):
                if verdict is not None:
                    self.verdicts[k][path] = verdict

    def floors(self, runs: Mapping[int, Run | None]) -> dict[str, float]:
        """Give the smallest noise of each output in some cases, relative to its largest value."""
        floors = {}
        for path in self._paths:
            source = source_of(path)
            found = [
                relative_floor(self._members[k][1].outputs[source], run.outputs[source])
                for k, run in runs.items()
                if run is not None and source in run.outputs
            ]
            floors[path] = min(found, default=0.0)
        return floors


def sample(indices: Sequence[int]) -> list[int]:
    """Choose the cases whose noise is measured for all: evenly spaced, the same every time.

    >>> sample([3, 4, 5, 6]), len(sample(range(60)))
    ([3, 6], 4)
    """
    count = min(len(indices), max(2, -(-len(indices) // SAMPLED)))
    at = np.linspace(0, len(indices) - 1, count).round().astype(int)
    return [indices[i] for i in dict.fromkeys(at.tolist())]


def judge_together(
    old: Sequence[Array], new: Sequence[Array], *, limit: float, floor: float = 0.0
) -> list[Judgement | None]:
    """Pass what a bound lets pass; None for what takes a closer look.

    `old` and `new` are one output in cases of one shape; `floor` is noise relative to the largest
    value, 0 where it is not known.
    """
    if not _alike([*old, *new]):
        return [None] * len(old)
    left, right = np.stack(old), np.stack(new)
    axes = tuple(range(1, left.ndim))
    same = np.asarray((left == right).all(axis=axes))
    if same.all():
        return [equal(old[0].size, left.dtype)] * len(old)
    if left.dtype.kind != "f":
        return [equal(old[0].size, left.dtype) if yes else None for yes in same]
    with np.errstate(all="ignore"):
        gaps = np.abs(right.astype(np.float64) - left.astype(np.float64))
        sizes = np.abs(left)
        errors, tops = gaps.max(axis=axes), sizes.max(axis=axes)
        units = np.maximum(_ulps_of(tops), floor * tops)
        bounds = errors / units + 1
        rels = (gaps / np.where(gaps == 0, 1, sizes)).max(axis=axes)
    ulps = measures.ulps(left, right).max(axis=axes)
    differing = (gaps > 0).sum(axis=axes)
    plain = np.isfinite(errors) & (tops < -ABYSS) & (bounds <= limit)
    found: list[Judgement | None] = []
    for i in range(len(old)):
        if same[i]:
            found.append(equal(old[0].size, left.dtype))
        elif not plain[i]:
            found.append(None)
        else:
            at = tuple(int(k) for k in np.unravel_index(int(gaps[i].argmax()), gaps[i].shape))
            found.append(
                Judgement(
                    "",
                    "",
                    "bound",
                    max_abs=float(errors[i]),
                    max_rel=float(rels[i]),
                    max_ulp=float(ulps[i]),
                    noise_ratio=float(bounds[i]),
                    differing=int(differing[i]),
                    elements=old[0].size,
                    index=at,
                    old_value=float(left[i][at]),
                    new_value=float(right[i][at]),
                    tolerance_needed=float(errors[i]),
                )
            )
    return found


def relative_floor(old: Array, wide: Array) -> float:
    """Give the noise of one case against its largest value; 0 where it cannot be told."""
    if old.shape != wide.shape or old.dtype.kind != "f" or not old.size:
        return 0.0
    top = float(np.abs(wide).max())
    if not np.isfinite(top) or not 0 < top < -ABYSS or not np.isfinite(old).all():
        return 0.0
    return measures.noise_floor(old, wide) / top


def _alike(arrays: Sequence[Array]) -> bool:
    """Tell whether all have one shape and dtype, with at least one element and no axis missing."""
    head = arrays[0]
    return (
        head.ndim > 0
        and head.size > 0
        and all(a.shape == head.shape and a.dtype == head.dtype for a in arrays)
    )


def _ulps_of(tops: Array) -> Array:
    """Give the spacing of floats just below some magnitudes: float64[n].

    A reference a little smaller may lie below a power of two, where the spacing is half.
    """
    kind = np.float16 if tops.dtype == np.float16 else np.float32
    eps = float(np.finfo(kind).eps)
    return np.asarray(np.spacing((tops * (1 - 64 * eps)).astype(kind)), dtype=np.float64)
