"""Observation filters of the old stack."""

from __future__ import annotations

from rlmigrate.legacy.filters.filters import (
    ConcurrentMeanStdFilter,
    Filter,
    MeanStdFilter,
    NoFilter,
    get_filter,
)
from rlmigrate.legacy.filters.running_stat import RunningStat

__all__ = [
    "ConcurrentMeanStdFilter",
    "Filter",
    "MeanStdFilter",
    "NoFilter",
    "RunningStat",
    "get_filter",
]
