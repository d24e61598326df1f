"""The columns that a legacy model wants besides its observation.

View        one column: where it comes from, and which steps it shows
views_of    those of a wrapped module
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

# Columns whose values a batch brings anyway, or that states take care of.
_GIVEN = ("obs", "state_in_", "state_out_")
_SOURCES = {"new_obs": ("obs", 1), "prev_actions": ("actions", 0), "prev_rewards": ("rewards", 0)}


@dataclass(frozen=True)
class View:
    """A column made of the steps `t + shift` of another.

    is_window: the column keeps a dimension for the steps, as range shifts do.
    flatten: nested actions arrive as one row each, as the old stack flattened them.
    """

    column: str
    source: str
    shifts: tuple[int, ...]
    is_window: bool
    for_acting: bool
    for_learning: bool
    flatten: bool


def views_of(module: Any) -> tuple[View, ...]:
    """List the columns that the connectors must add for a module; none if it is no wrapped one."""
    model = getattr(module, "legacy_model", None)
    if model is None:
        return ()
    nested = isinstance(module.action_space, gym.spaces.Dict | gym.spaces.Tuple)
    flatten = nested and not module.model_config.get("_disable_action_flattening", False)
    return tuple(
        _view(column, requirement, flatten=flatten)
        for column, requirement in model.view_requirements.items()
        if not (column == "obs" and requirement.shift == 0) and not column.startswith(_GIVEN[1:])
    )


def _view(column: str, requirement: Any, *, flatten: bool) -> View:
    source, offset = requirement.data_col or column, 0
    if source in _SOURCES:
        source, offset = _SOURCES[source]
    shifts = shifts_of(requirement.shift)
    return View(
        column=column,
        source=source,
        shifts=tuple(shift + offset for shift in shifts),
        is_window=not isinstance(requirement.shift, int),
        for_acting=requirement.used_for_compute_actions,
        for_learning=requirement.used_for_training,
        flatten=flatten and source == "actions",
    )


def shifts_of(shift: int | str | Sequence[int]) -> tuple[int, ...]:
    """List the steps of a shift: -1, [-2, -1] or "-3:0" (both ends included) or "-4:0:2"."""
    if isinstance(shift, int):
        return (shift,)
    if isinstance(shift, str):
        start, end, *step = (int(part) for part in shift.split(":"))
        return tuple(range(start, end + 1, *step))
    return tuple(int(each) for each in shift)
