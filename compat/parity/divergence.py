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
    left, right, real_rows, names = [], [], [], []
    for case, one, two in zip(cases, ours, theirs, strict=True):
        if isinstance(one, Exception) or isinstance(two, Exception):
            continue
        old, other = one.outputs.get("dist_inputs"), two.outputs.get("dist_inputs")
        if old is None or other is None or old.shape != other.shape or old.ndim != 2:
            continue
        padded = padding(case)
        real = np.arange(len(old)) if padded is None else np.flatnonzero(~padded)
        left.append(old[real])
        right.append(other[real])
        real_rows.append(real)
        names.append(case.name)
    if not any(map(len, left)) or len({part.shape[1] for part in left}) > 1:
        return None
    before, after = np.concatenate(left), np.concatenate(right)
    if np.array_equal(before, after):
        return Divergence(0.0, names[0], int(real_rows[0][0]), rows=len(before), undefined=0)
    found = new.divergence(before, after)
    if found is None or found.shape != (len(before),):
        return None
    finite = np.isfinite(found)
    at = int(np.where(finite, found, -np.inf).argmax())
    largest = max(0.0, float(found[at])) if finite.any() else 0.0
    of_case = int(np.searchsorted(np.cumsum([len(rows) for rows in real_rows]), at, side="right"))
    row = int(np.concatenate(real_rows)[at])
    undefined = int((~finite).sum())
    return Divergence(largest, names[of_case], row, rows=len(before), undefined=undefined)
