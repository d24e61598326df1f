"""How far apart the two policies are: KL(old || new), row by row, by the new distribution class.

It judges nothing: a finding is an error beyond rounding, however little it moves the policy. But it
says what a finding means for the agent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.results import Divergence
from rlmigrate.compat.parity.rows import padding
from rlmigrate.compat.parity.sides.base import Run, Side


def measure(
    new: Side,
    cases: Sequence[Case],
    ours: Sequence[Run | Exception],
    theirs: Sequence[Run | Exception],
) -> Divergence | None:
    """Give the largest KL of all rows that both sides computed; None where there is no such thing.

    Rows whose KL is not finite, as where the new side forbids what the old one allows, are counted.
    """
    left, right, kept, names = [], [], [], []
    for case, one, two in zip(cases, ours, theirs, strict=True):
        if isinstance(one, Exception) or isinstance(two, Exception):
            continue
        old, other = one.outputs.get("dist_inputs"), two.outputs.get("dist_inputs")
        if old is None or other is None or old.shape != other.shape or old.ndim != 2:
            continue
        padded = padding(case)
        real = slice(None) if padded is None else np.flatnonzero(~padded)
        left.append(old[real])
        right.append(other[real])
        kept.append(real)
        names.append(case.name)
    if not any(map(len, left)) or len({part.shape[1] for part in left}) > 1:
        return None
    before, after = np.concatenate(left), np.concatenate(right)
    sizes = [len(part) for part in left]

    def place(at: int) -> tuple[str, int]:
        """Name the case of a row, and its number there."""
        ends = np.cumsum(sizes)
        k = int(np.searchsorted(ends, at, side="right"))
        row, real = at - int(ends[k] - sizes[k]), kept[k]
        return names[k], row if isinstance(real, slice) else int(real[row])

    if np.array_equal(before, after):
        return Divergence(0.0, *place(0), rows=len(before), undefined=0)
    found = new.divergence(before, after)
    if found is None or found.shape != (len(before),):
        return None
    finite = np.isfinite(found)
    at = int(np.where(finite, found, -np.inf).argmax())
    largest = max(0.0, float(found[at])) if finite.any() else 0.0
    undefined = int((~finite).sum())
    return Divergence(largest, *place(at), rows=len(before), undefined=undefined)
