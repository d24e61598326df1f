"""Which steps of an episode a model wants to see besides its observation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym


@dataclass(frozen=True)
class ViewRequirement:
    """One column of the batch: `data_col` at step t + `shift`, for every step t.

    data_col: "obs", "actions", "rewards" or an output of the module; None for the column's own
        name.
    shift: -1 for the step before, [-2, -1] or "-3:0" (both ends included) or "-8:0:2" for several,
        which gives the column a dimension of its own after the batch's.
    """

    data_col: str | None = None
    space: gym.Space[Any] | None = None
    shift: int | str | Sequence[int] = 0
    used_for_compute_actions: bool = True
    used_for_training: bool = True

    @property
    def shifts(self) -> tuple[int, ...]:
        """The steps, counted from the present one."""
        if isinstance(self.shift, int):
            return (self.shift,)
        if isinstance(self.shift, str):
            start, end, *step = (int(part) for part in self.shift.split(":"))
            return tuple(range(start, end + 1, *step))
        return tuple(int(each) for each in self.shift)
