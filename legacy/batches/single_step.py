"""The input of a model at one step of a trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rlmigrate.legacy.batches.arrays import map_leaves
from rlmigrate.legacy.batches.view_requirement import ViewRequirement

if TYPE_CHECKING:
    from rlmigrate.legacy.batches.sample_batch import SampleBatch

# What a column of the step after the last holds.
_NEXT = {"obs": "new_obs", "prev_actions": "actions", "prev_rewards": "rewards"}


def single_step_input_dict(
    batch: SampleBatch, view_requirements: Mapping[str, ViewRequirement], index: str | int
) -> SampleBatch:
    """Serve `SampleBatch.get_single_step_input_dict`."""
    data: dict[str, Any] = {}
    for name, view in view_requirements.items():
        if not view.used_for_compute_actions:
            continue
        source = view.data_col or name
        if isinstance(index, int):
            stop = index + 1 if index != -1 else None
            data[name] = map_leaves(lambda v: v[index:stop], batch[source])  # noqa: B023
            continue
        source = _NEXT.get(source, source)
        if view.shift_from is None or view.shift_to is None:
            data[name] = map_leaves(lambda v: v[-1:], batch[source])
        else:
            data[name] = _range(batch, name, source, view)
    return type(batch)(data, seq_lens=np.array([1], dtype=np.int32))


def _range(batch: SampleBatch, name: str, source: str, view: ViewRequirement) -> Any:
    """Give the last window of a view over several steps, as [1, steps, ...]."""
    column = batch[source]
    # The view column holds one window per sequence; the steps after it come from the source.
    rest = column[-(len(column) % view.batch_repeat_value) :]
    # In the observations, index 0 is the one seen now, not the last one.
    shift = -1 if source in ("obs", "new_obs") else 0
    start = (view.shift_from or 0) + shift
    stop = (view.shift_to or 0) + shift + 1
    return np.array([np.concatenate([batch[name][-1], rest])[start : stop or None]])
