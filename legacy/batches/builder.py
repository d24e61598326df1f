"""Collect rows into a SampleBatch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from rlmigrate.legacy.batches.sample_batch import SampleBatch


class SampleBatchBuilder:
    """Add rows, then build; float64 columns become float32, as in RLlib."""

    _unroll_ids = itertools.count()

    def __init__(self) -> None:
        self.buffers: dict[str, list[Any]] = {}
        self.count = 0

    def add_values(self, **values: Any) -> None:
        """Add one row."""
        for key, value in values.items():
            self.buffers.setdefault(key, []).append(value)
        self.count += 1

    def add_batch(self, batch: SampleBatch) -> None:
        """Add all rows of a batch."""
        for key, column in batch.items():
            self.buffers.setdefault(key, []).extend(column)
        self.count += batch.count

    def build_and_reset(self) -> SampleBatch:
        """Give the rows so far, with an `unroll_id` of their own, and start anew."""
        batch = SampleBatch({key: _column(values) for key, values in self.buffers.items()})
        if SampleBatch.UNROLL_ID not in batch:
            unroll_id = next(SampleBatchBuilder._unroll_ids)
            batch[SampleBatch.UNROLL_ID] = np.repeat(unroll_id, batch.count)
        self.buffers.clear()
        self.count = 0
        return batch


def _column(values: list[Any]) -> Any:
    array = np.array(values)
    return array.astype(np.float32) if array.dtype == np.float64 else array
