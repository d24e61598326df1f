"""Rows of recorded cases, so that a failing batch can be cut down to the rows that matter.

A recording cannot answer for inputs that it does not hold. But a case of some rows of a recorded
case, or of some of its sequences, has been answered: row by row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rlmigrate.compat.parity.arrays import flatten
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides.base import Run


class RecordedParts:
    """Finds the sequences of a case (single rows, without states) among those recorded."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._steps = {case.name: case.steps for case in cases}
        self._places: dict[bytes, dict[str, int]] = {}
        for case in cases:
            for i, key in enumerate(_keys(case)):
                self._places.setdefault(key, {}).setdefault(case.name, i)

    def find(self, case: Case) -> tuple[str, list[int]] | None:
        """Name the recorded case that holds all sequences of a case, and their places in it."""
        places = [self._places.get(key, {}) for key in _keys(case)]
        shared = set(places[0]).intersection(*places[1:]) if places else set()
        name = min(shared, default=None)
        return None if name is None else (name, [place[name] for place in places])

    def take(self, case: Case, run: Run, name: str, chosen: Sequence[int]) -> Run:
        """Give the outputs of some sequences of a recorded run."""
        steps = self._steps[name]
        rows = [i * steps + t for i in chosen for t in range(case.steps)]
        return Run(
            {
                path: value[list(chosen) if path.startswith("state_out") else rows]
                for path, value in run.outputs.items()
                if value.ndim
            },
            run.errors,
        )


def _keys(case: Case) -> list[bytes]:
    """Give what each sequence is made of, as bytes; padding is left out."""
    leaves = [*flatten(case.obs, "obs").values(), *flatten(case.actions, "actions").values()]
    leaves += [np.asarray(value) for _, value in case.extra]
    lengths = np.ones(case.rows, int) if case.seq_lens is None else case.seq_lens
    keys = []
    for i, length in enumerate(lengths):
        start = i * case.steps
        parts = [leaf[start : start + int(length)].tobytes() for leaf in leaves]
        state = [part[i].tobytes() for part in case.state or ()]
        keys.append(b"|".join([*parts, b"state", *state]))
    return keys
