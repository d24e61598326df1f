"""What the old side gives in float64, asked for only where bits differ.

WideRuns     the cases of a comparison, each run once, together with others that will be asked for
References   one case, and inputs around it
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.accounting import Account
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.masks import ABYSS
from rlmigrate.compat.parity.sides.base import Run, Side
from rlmigrate.errors import UsageError

Perturb: TypeAlias = Callable[[Case, int], Case]

#: Rows around a failing input whose noise is measured before the verdict, in at least 8 batches.
_ROWS_AROUND = 96


class WideRuns:
    """The cases on the old side in float64, run only if someone asks."""

    def __init__(
        self,
        old: Side,
        cases: Sequence[Case],
        narrow: Sequence[Run | Exception],
        account: Account,
    ) -> None:
        self._old = old
        self._cases = cases
        self._narrow = narrow
        self._account = account
        self._runs: dict[int, Run | Exception] = {}
        self._expected: set[int] = set()

    def expect(self, indices: Iterable[int]) -> None:
        """Say which cases will be asked for, so that they run in one go."""
        self._expected.update(indices)

    def run(self, index: int) -> Run | None:
        """Give a case's run; None if the model has none."""
        if index not in self._runs:
            together = sorted((self._expected | {index}) - set(self._runs))
            self._runs |= zip(together, self._run_all(together), strict=True)
        found = self._runs[index]
        if isinstance(found, Exception):
            kind = "" if isinstance(found, UsageError) else f"{type(found).__name__}: "
            self._account.no_float64(f"{kind}{found}")
            return None
        return found

    def _run_all(self, indices: Sequence[int]) -> Sequence[Run | Exception]:
        cases = [self._cases[i] for i in indices]
        try:
            if self._draws:
                return [UsageError("it draws random numbers")] * len(cases)
            return self._old.run_many(cases, precision="float64")
        except Exception as error:  # the user's own code may raise anything
            return [error] * len(cases)

    @cached_property
    def _draws(self) -> bool:
        """Tell whether outputs depend on random numbers; their float64 draws would be others."""
        at = min(range(len(self._cases)), key=lambda i: self._cases[i].rows)
        case, one = self._cases[at], self._narrow[at]
        (two,) = self._old.run_many([replace(case, name=f"{case.name}, drawn again")])
        if not isinstance(one, Run) or not isinstance(two, Run):
            return False
        return any(
            not np.array_equal(value, two.outputs[path], equal_nan=value.dtype.kind == "f")
            for path, value in one.outputs.items()
        )


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
