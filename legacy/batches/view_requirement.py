"""ViewRequirement: which steps of which column a model or loss wants to see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.errors import LegacyError


@dataclass
class ViewRequirement:
    """One column of a model's input, built from a column of the trajectory.

    shift: a step relative to now, a list of them, or a range "from:to" or "from:to:step",
    both ends inclusive. `shift_arr` lists the steps.

    >>> ViewRequirement("obs", shift="-2:0").shift_arr
    array([-2, -1,  0])
    >>> ViewRequirement("obs", shift="0:3").shift_arr
    array([0, 1, 2, 3])

    data_col: the trajectory's column, the view's own name if None.
    space: what fills the steps before the first and after the last.
    batch_repeat_value: the view is taken at every n-th step only.
    """

    data_col: str | None = None
    space: gym.Space[Any] | None = None
    shift: int | str | list[int] = 0
    index: int | None = None
    batch_repeat_value: int = 1
    used_for_compute_actions: bool = True
    used_for_training: bool = True
    shift_arr: npt.NDArray[np.int64] = field(init=False, compare=False)
    shift_from: int | None = field(init=False, default=None)
    shift_to: int | None = field(init=False, default=None)
    shift_step: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.space is None:
            self.space = gym.spaces.Box(float("-inf"), float("inf"), shape=())
        if isinstance(self.shift, str):
            self.shift_arr = self._range(self.shift)
        elif isinstance(self.shift, int | np.integer):
            self.shift_arr = np.array([self.shift])
        elif isinstance(self.shift, list | tuple | np.ndarray):
            self.shift_arr = np.array(self.shift)
        else:
            raise LegacyError(
                f"ViewRequirement: shift is {self.shift!r}, expected an int, a list of ints, "
                "'from:to' or 'from:to:step'"
            )

    def _range(self, text: str) -> npt.NDArray[np.int64]:
        try:
            bounds = [int(part) for part in text.split(":")]
        except ValueError:
            bounds = []
        if len(bounds) not in (2, 3):
            raise LegacyError(
                f"ViewRequirement: shift is {text!r}, expected 'from:to' or 'from:to:step', "
                "for example '-3:0'"
            )
        self.shift_from, self.shift_to, self.shift_step = (*bounds, 1)[:3]
        return np.arange(self.shift_from, self.shift_to + 1, self.shift_step)

    def to_dict(self) -> dict[str, Any]:
        """Give a dict of JSON values."""
        from rlmigrate.legacy.utils.serialization import gym_space_to_dict

        return {
            "data_col": self.data_col,
            "space": gym_space_to_dict(self.space),
            "shift": self.shift,
            "index": self.index,
            "batch_repeat_value": self.batch_repeat_value,
            "used_for_training": self.used_for_training,
            "used_for_compute_actions": self.used_for_compute_actions,
        }

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> ViewRequirement:
        """Build from what `to_dict` gave."""
        from rlmigrate.legacy.utils.serialization import gym_space_from_dict

        return cls(**{**d, "space": gym_space_from_dict(d["space"])})
