"""Cases on both sides, output by output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.accounting import Account, CaseError
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.judge import judge, same_bits
from rlmigrate.compat.parity.losses import compare_losses
from rlmigrate.compat.parity.masks import ABYSS, UNDERFLOW, masking
from rlmigrate.compat.parity.sides.base import PHASES, Run, Side, source_of
from rlmigrate.errors import UsageError

Segments: TypeAlias = Callable[[int], tuple[tuple[int, int], ...]]
Perturb: TypeAlias = Callable[[Case, int], Case]

#: Rows around a failing input whose noise is measured before the verdict, in at least 8 batches.
_ROWS_AROUND = 96


def compare_cases(
    old: Side,
    new: Side,
    cases: Sequence[Case],
    account: Account,
    *,
    segments: Segments,
    perturb: Perturb | None,
) -> None:
    """Run all cases on both sides and enter every output, and every exception, into the account."""
    ours, theirs = old.run_many(cases), new.run_many(cases)
    wide = _Wide(old, cases, account)
    richest = max(cases, key=Case.richness, default=None)
    for i, case in enumerate(cases):
        left, right = ours[i], theirs[i]
        if isinstance(left, Exception):
            account.failed(CaseError("old", case.name, left))
        elif isinstance(right, Exception):
            account.failed(CaseError("new", case.name, right))
        else:
            references = References(old, case, partial(wide.run, i), perturb)
            _compare_case(case, left, right, account, segments, references)
            if case is richest:
                compare_losses(
                    case,
                    left.outputs,
                    right.outputs,
                    account,
                    padded=_padding(case),
                    reference=references.outputs,
                    around=references.around,
                )


def _compare_case(
    case: Case,
    ours: Run,
    theirs: Run,
    account: Account,
    segments: Segments,
    references: References,
) -> None:
    expected = dict(ours.outputs)
    for path in theirs.outputs:
        if path.startswith(PHASES) and source_of(path) in ours.outputs:
            expected[path] = ours.outputs[source_of(path)]
    account.begin(case.name)
    rows = _Rows(case, expected, theirs, segments, references)
    for path in (*expected, *(p for p in theirs.outputs if p not in expected)):
        left, right = expected.get(path), theirs.outputs.get(path)
        if left is None and path == "kl":
            why = ours.errors.get(path, "not recorded")
            account.note(f"KL not compared: the legacy distribution has none ({why})")
            continue
        if left is None or right is None:
            why = ours.errors.get(path) or theirs.errors.get(path) or ""
            account.missing(path, case.name, on="new" if right is None else "old", why=why)
            continue
        verdict = same_bits(left, right) or judge(
            left,
            right,
            reference=partial(references.array, source_of(path)),
            neighbour_noise=partial(references.neighbours, source_of(path)),
            segments=rows.segments(path, left),
            ignore=rows.ignored(path, left, right),
            limit=account.limit,
        )
        account.add(path, case.name, verdict, left, right)


class _Wide:
    """All cases on the old side in float64, run at once and only if someone asks."""

    def __init__(self, old: Side, cases: Sequence[Case], account: Account) -> None:
        self._old = old
        self._cases = cases
        self._account = account
        self._runs: list[Run | Exception] | None = None

    def _run_all(self) -> list[Run | Exception]:
        try:
            if self._draws():
                return [UsageError("it draws random numbers")] * len(self._cases)
            return self._old.run_many(self._cases, precision="float64")
        except Exception as error:  # the user's own code may raise anything
            return [error] * len(self._cases)

    def _draws(self) -> bool:
        """Tell whether outputs depend on random numbers; their float64 draws would be others."""
        case = min(self._cases, key=lambda case: case.rows)
        one, two = self._old.run_many([case, replace(case, name=f"{case.name}, drawn again")])
        if not isinstance(one, Run) or not isinstance(two, Run):
            return False
        return any(
            not np.array_equal(value, two.outputs[path], equal_nan=value.dtype.kind == "f")
            for path, value in one.outputs.items()
        )

    def run(self, index: int) -> Run | None:
        if self._runs is None:
            self._runs = self._run_all()
        found = self._runs[index]
        if isinstance(found, Exception):
            kind = "" if isinstance(found, UsageError) else f"{type(found).__name__}: "
            self._account.no_float64(f"{kind}{found}")
            return None
        return found


class References:
    """What the old side gives in float64 for a case and for inputs around it."""

    def __init__(
        self, old: Side, case: Case, wide: Callable[[], Run | None], perturb: Perturb | None
    ) -> None:
        self._old = old
        self._case = case
        self._wide = wide
        self._perturb = perturb
        self._moved: list[tuple[Run, Run]] | None = None

    def array(self, path: str) -> Array | None:
        """Give the old model's float64 result; None if it cannot run so."""
        found = self.outputs()
        return None if found is None else found.get(path)

    def outputs(self) -> Mapping[str, Array] | None:
        """Give all of the old model's float64 results; None if it cannot run so."""
        wide = self._wide()
        return None if wide is None else wide.outputs

    def around(self) -> list[tuple[Mapping[str, Array], Mapping[str, Array]]]:
        """Give float32 and float64 results on inputs around this one."""
        return [(narrow.outputs, wide.outputs) for narrow, wide in self._around()]

    def neighbours(self, path: str) -> float:
        """Give the largest noise of the old model on inputs around this one."""
        largest = 0.0
        for narrow, wide in self._around():
            left, right = narrow.outputs.get(path), wide.outputs.get(path)
            if left is None or right is None or left.shape != right.shape:
                continue
            finite = np.isfinite(left) & np.isfinite(right) & (np.abs(right) < -ABYSS)
            if finite.any():
                largest = max(largest, measures.noise_floor(left[finite], right[finite]))
        return largest

    def _around(self) -> list[tuple[Run, Run]]:
        if self._moved is None:
            turns = range(max(8, _ROWS_AROUND // self._case.rows) if self._perturb else 0)
            cases = [self._perturb(self._case, turn) for turn in turns if self._perturb]
            pairs = zip(
                self._old.run_many(cases),
                self._old.run_many(cases, precision="float64"),
                strict=True,
            )
            self._moved = [(a, b) for a, b in pairs if isinstance(a, Run) and isinstance(b, Run)]
        return self._moved


class _Rows:
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
        self._padded = _padding(case)

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


def _padding(case: Case) -> Array | None:
    """Mark the padded rows of sequences: bool[B]."""
    if case.seq_lens is None or case.steps == 1:
        return None
    steps = np.arange(case.steps)[None, :]
    padded: Array = (steps >= np.asarray(case.seq_lens)[:, None]).reshape(-1)
    return padded
