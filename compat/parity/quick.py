"""Verdicts that need no float64 run, on all outputs of many cases of one shape at a time.

The error in units of noise is `max|new - wide| / floor`, and `|new - wide|` is at most
`|new - old| + |old - wide|`. So with a floor of at least f, the ratio is at most
`max|new - old| / f + 1`, and what that bound lets pass needs no closer look:

- f is one ULP of the largest value, whatever the model's noise is; or
- f is the smallest noise, relative to the largest value, among a sample of the cases of that shape.
  Two cases are enough for what stays well below the limit; a larger sample is drawn for the rest.

What the bound does not let pass is judged by its own noise, so that no case fails by a bound.
Few cases are all judged by their own noise, which says more than a bound.

pass_together   outputs that pass without a closer look, case by case
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.blocks import Column, blocks_of
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.judge import Judgement
from rlmigrate.compat.parity.masks import ABYSS
from rlmigrate.compat.parity.references import WideRuns
from rlmigrate.compat.parity.sides.base import Run, source_of

#: One case in so many is run in float64 for the noise of its shape, and never fewer than two.
SAMPLED = 16
#: The share of the limit that a bound by the noise of two cases must keep to.
CAUTION = 0.75
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
    groups: dict[tuple[int, int], list[tuple[int, Run, Run]]] = {}
    for i, (case, left, right) in enumerate(zip(cases, ours, theirs, strict=True)):
        if isinstance(left, Run) and isinstance(right, Run):
            groups.setdefault((case.rows, case.steps), []).append((i, left, right))
    for members in groups.values():
        group = _Group(members, limit if len(members) > FEW else 0.0)
        group.judge({})
        for count, share in ((2, CAUTION), (None, 1.0)):
            if len(group.open) > FEW:
                chosen = sample(group.open, count)
                wide.expect(group.names(chosen))
                runs = {k: wide.run(members[k][0]) for k in chosen}
                group.judge(group.floors(runs), share)
        wide.expect(group.names(group.open))
        for (i, _, _), verdicts in zip(members, group.verdicts, strict=True):
            known[i] = verdicts
    return known


class _Group:
    """Cases of one shape, numbered from 0, with the verdicts that are known."""

    def __init__(self, members: Sequence[tuple[int, Run, Run]], limit: float) -> None:
        self._members = members
        self._limit = limit
        with_path: dict[str, list[int]] = {}
        for k, (_, left, right) in enumerate(members):
            for path in right.outputs:
                if source_of(path) in left.outputs:
                    with_path.setdefault(path, []).append(k)
        self._with_path = with_path
        self._blocks = blocks_of([self._column(path) for path in with_path])
        self.verdicts: list[dict[str, Judgement]] = [{} for _ in members]

    def _column(self, path: str) -> Column:
        numbers = self._with_path[path]
        source = source_of(path)
        old = [self._members[k][1].outputs[source] for k in numbers]
        return path, numbers, old, [self._members[k][2].outputs[path] for k in numbers]

    @property
    def open(self) -> list[int]:
        """Cases with an output that has no verdict."""
        left = [0] * len(self._members)
        for numbers in self._with_path.values():
            for k in numbers:
                left[k] += 1
        return [k for k, found in enumerate(self.verdicts) if len(found) < left[k]]

    def names(self, chosen: Sequence[int]) -> list[int]:
        """Give the numbers of some cases in the whole comparison."""
        return [self._members[k][0] for k in chosen]

    def judge(self, floors: Mapping[str, float], share: float = 1.0) -> None:
        """Judge what is open, with the relative noise of each path where it is known.

        `share` is the part of the limit that bounds by noise must keep to.
        """
        for block in self._blocks:
            for k, path, verdict in block.verdicts(share * self._limit, floors):
                self.verdicts[k].setdefault(path, verdict)

    def floors(self, runs: Mapping[int, Run | None]) -> dict[str, float]:
        """Give the smallest noise of each output in some cases, relative to its largest value."""
        by_source: dict[str, float] = {}
        for source in dict.fromkeys(source_of(path) for path in self._with_path):
            found = [
                relative_floor(self._members[k][1].outputs[source], run.outputs[source])
                for k, run in runs.items()
                if run is not None and source in run.outputs
            ]
            by_source[source] = min(found, default=0.0)
        return {path: by_source[source_of(path)] for path in self._with_path}


def sample(indices: Sequence[int], count: int | None = None) -> list[int]:
    """Choose the cases whose noise is measured for all: evenly spaced, the same every time.

    >>> sample([3, 4, 5, 6]), len(sample(range(60))), sample(range(60), 2)
    ([3, 6], 4, [0, 59])
    """
    count = min(len(indices), count or max(2, -(-len(indices) // SAMPLED)))
    at = np.linspace(0, len(indices) - 1, count).round().astype(int)
    return [indices[i] for i in dict.fromkeys(at.tolist())]


def relative_floor(old: Array, wide: Array) -> float:
    """Give the noise of one case against its largest value; 0 where it cannot be told."""
    if old.shape != wide.shape or old.dtype.kind != "f" or not old.size:
        return 0.0
    top = float(np.abs(wide).max())
    if not np.isfinite(top) or not 0 < top < -ABYSS or not np.isfinite(old).all():
        return 0.0
    return measures.noise_floor(old, wide) / top
