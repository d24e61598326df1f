"""States that a recurrent model reaches, for models that cannot go on from any state whatever.

A state may hold a counter that becomes an index, or a mask: random numbers in its place raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rlmigrate.compat.parity.accounting import Account
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.sides.base import Run, Side


def with_reached_states(
    old: Side, cases: Sequence[Case], runs: Sequence[Run | Exception], account: Account
) -> tuple[list[Case], list[Run | Exception]]:
    """Replace the states of cases that raised by what the old model gave from its initial state."""
    refused = [
        i
        for i, case in enumerate(cases)
        if case.state is not None and isinstance(runs[i], Exception)
    ]
    if not refused:
        return list(cases), list(runs)
    changed, answers = list(cases), list(runs)
    states = _from_the_initial_one(cases, runs)
    went: list[str] = []
    for start, given in (("a state that it reaches", states), ("its initial state", None)):
        left = [i for i in refused if isinstance(answers[i], Exception)]
        if given == () or not left:
            continue
        for i in left:
            changed[i] = replace(cases[i], state=_rows(given, cases[i]))
        for i, answer in zip(left, old.run_many([changed[i] for i in left]), strict=True):
            answers[i] = answer
        fine = [cases[i].name for i in left if isinstance(answers[i], Run)]
        went += [f"{', '.join(fine)} from {start}"] if fine else []
    if went:
        trouble = runs[refused[0]]
        account.note(f"the legacy model refuses a random state ({trouble}): {'; '.join(went)}")
    return changed, answers


def _rows(states: tuple[Array, ...] | None, case: Case) -> tuple[Array, ...] | None:
    """Repeat states for all sequences of a case; None stays the initial state."""
    if states is None or case.seq_lens is None:
        return None
    return tuple(part[np.arange(len(case.seq_lens)) % len(part)] for part in states)


def _from_the_initial_one(
    cases: Sequence[Case], runs: Sequence[Run | Exception]
) -> tuple[Array, ...]:
    """Give the states after the longest case that started from the initial state."""
    found: tuple[Array, ...] = ()
    longest = 0
    for case, run in zip(cases, runs, strict=True):
        if case.state is None and case.seq_lens is not None and isinstance(run, Run):
            steps = int(case.seq_lens.max())
            after = [path for path in run.outputs if path.startswith("state_out.")]
            if after and steps > longest:
                longest = steps
                found = tuple(run.outputs[f"state_out.{i}"] for i in range(len(after)))
    return found
