"""From a failing batch to a small failing input: fewer rows, shorter sequences, simpler numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from rlmigrate.compat.parity.arrays import Array, Nested, flatten, map_leaves, select_rows
from rlmigrate.compat.parity.cases.case import Case

#: Which of some cases fail as the first one did.
Failing: TypeAlias = Callable[[Sequence[Case]], list[bool]]

#: Elements of a leaf that are simplified one by one.
_SINGLE = 48


def shrink(case: Case, failing: Failing) -> Case:
    """Give a case that still fails, as small as greedy steps make it; the case itself if none."""
    case = _first(_shorter(case), failing) or case
    if case.seq_lens is not None and case.steps > 1:
        case = _first(_cut(case), failing) or case
    for simplify in (_without_state, _zero_leaves, _rounded, _zero_elements):
        for _ in range(_SINGLE):
            simpler = _first(simplify(case), failing)
            if simpler is None:
                break
            case = simpler
    return replace(case, name="smallest")


def _first(candidates: Iterator[Case], failing: Failing) -> Case | None:
    """Try all candidates in one go; the first that fails is taken."""
    tried = [replace(case, name=f"try {i}") for i, case in enumerate(candidates)]
    if not tried:
        return None
    return next((c for c, fails in zip(tried, failing(tried), strict=True) if fails), None)


def _shorter(case: Case) -> Iterator[Case]:
    """Single rows or sequences, then halves."""
    count = case.rows if case.seq_lens is None else len(case.seq_lens)
    if count > 1:
        yield from (_part(case, [i]) for i in range(count))
        yield _part(case, list(range(count // 2)))
        yield _part(case, list(range(count // 2, count)))


def _part(case: Case, chosen: list[int]) -> Case:
    """Keep some rows, or some sequences with the padding they need."""
    if case.seq_lens is None:
        extra = tuple((name, value[chosen]) for name, value in case.extra)
        obs, actions = select_rows(case.obs, chosen), select_rows(case.actions, chosen)
        return replace(case, obs=obs, actions=actions, extra=extra)
    lengths = case.seq_lens[chosen]
    rows = [i * case.steps + t for i in chosen for t in range(int(lengths.max()))]
    return replace(
        case,
        obs=select_rows(case.obs, rows),
        actions=select_rows(case.actions, rows),
        seq_lens=lengths,
        state=None if case.state is None else tuple(part[chosen] for part in case.state),
        extra=tuple((name, value[rows]) for name, value in case.extra),
    )


def _cut(case: Case) -> Iterator[Case]:
    """The first steps of one sequence."""
    assert case.seq_lens is not None
    if len(case.seq_lens) == 1:
        for steps in range(1, case.steps):
            rows = slice(0, steps)
            yield replace(
                case,
                obs=select_rows(case.obs, rows),
                actions=select_rows(case.actions, rows),
                seq_lens=np.array([steps], dtype=case.seq_lens.dtype),
                extra=tuple((name, value[rows]) for name, value in case.extra),
            )


def _without_state(case: Case) -> Iterator[Case]:
    if case.state is not None and any(part.any() for part in case.state):
        yield replace(case, state=tuple(np.zeros_like(part) for part in case.state))


def _floats(case: Case) -> Iterator[tuple[int, Array]]:
    """Walk the float leaves with their numbers; masks stay, for they must allow something."""
    for index, (path, leaf) in enumerate(flatten(case.obs).items()):
        if leaf.dtype.kind == "f" and "mask" not in path.lower():
            yield index, leaf


def _zero_leaves(case: Case) -> Iterator[Case]:
    """One float leaf of the observations all zero; integers may be out of their space so."""
    for index, leaf in _floats(case):
        if leaf.any():
            yield _with_leaf(case, index, np.zeros_like(leaf))


def _rounded(case: Case) -> Iterator[Case]:
    """Numbers with one decimal, or none."""
    for index, leaf in _floats(case):
        for decimals in (0, 1):
            simple = np.round(leaf, decimals)
            if not np.array_equal(simple, leaf):
                yield _with_leaf(case, index, simple)


def _zero_elements(case: Case) -> Iterator[Case]:
    for index, leaf in _floats(case):
        if leaf.size <= _SINGLE:
            for at in np.flatnonzero(leaf):
                simple = leaf.copy()
                simple.reshape(-1)[at] = 0.0
                yield _with_leaf(case, index, simple)


def _with_leaf(case: Case, index: int, value: Array) -> Case:
    count = itertools.count()

    def put(leaf: Nested) -> Nested:
        return value if next(count) == index else leaf

    return replace(case, obs=map_leaves(put, case.obs))
