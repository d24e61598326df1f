"""A value that changes over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch


class Schedule:
    """A fixed value, or one that moves in straight lines between (timestep, value) points."""

    def __init__(self, fixed_value_or_schedule: float | Sequence[Any]) -> None:
        self._points: list[tuple[int, float]] | None = None
        if isinstance(fixed_value_or_schedule, (int, float)):
            self._value: float | torch.Tensor = fixed_value_or_schedule
            return
        self._points = [(int(t), float(value)) for t, value in fixed_value_or_schedule]
        assert self._points == sorted(self._points, key=lambda point: point[0]), "times must rise"
        self._value = torch.tensor(self._points[0][1])

    def get_current_value(self) -> float | torch.Tensor:
        """Return the value of the last update."""
        return self._value

    def update(self, timestep: int) -> float:
        """Move to a timestep and return the value there."""
        if self._points is None:
            return float(self._value)
        value = self._at(timestep)
        self._value = torch.tensor(value)
        return value

    def _at(self, timestep: int) -> float:
        assert self._points is not None
        for (start, left), (stop, right) in pairwise(self._points):
            if start <= timestep < stop:
                return left + float(timestep - start) / (stop - start) * (right - left)
        return self._points[-1][1]
