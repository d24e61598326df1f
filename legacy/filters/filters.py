"""Observation filters: MeanStdFilter and NoFilter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tree

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.filters.running_stat import RunningStat
from rlmigrate.legacy.types import TensorStruct
from rlmigrate.legacy.utils.numpy import SMALL_NUMBER


class Filter:
    """Change observations; a subclass gives `__call__`."""

    is_concurrent = False

    def __call__(self, x: TensorStruct, update: bool = True) -> TensorStruct:
        """Filter an observation; `update` lets it count."""
        raise NotImplementedError(f"{type(self).__name__} must give __call__()")

    def apply_changes(self, other: Any, *args: Any, **kwargs: Any) -> None:
        """Merge what another filter has seen since its last merge."""
        raise NotImplementedError

    def copy(self) -> Filter:
        """Copy the filter."""
        raise NotImplementedError

    def sync(self, other: Any) -> None:
        """Take over another filter's state."""
        raise NotImplementedError

    def reset_buffer(self) -> None:
        """Forget what counts for the next merge."""

    def clear_buffer(self) -> None:
        """Forget what `reset_buffer` forgets, under the name of Ray 0.8 to 2.x."""
        self.reset_buffer()

    def as_serializable(self) -> Filter:
        """Give a filter that can be sent."""
        return self.copy()


class NoFilter(Filter):
    """Leave observations as they are."""

    is_concurrent = True

    def __call__(self, x: TensorStruct, update: bool = True) -> TensorStruct:
        """Give the observation, as an array if it is not a structure."""
        return x if isinstance(x, np.ndarray | dict | tuple) else np.asarray(x)

    def apply_changes(self, other: Any, *args: Any, **kwargs: Any) -> None:
        """Merge nothing."""

    def copy(self) -> NoFilter:
        """Give this filter."""
        return self

    def sync(self, other: Any) -> None:
        """Take over nothing."""


class MeanStdFilter(Filter):
    """Subtract the running mean, divide by the running standard deviation, clip.

    shape: of one observation, or a structure of arrays of shapes as `tree.map_structure` of
    `np.array(space.shape)` over a space's structure gives it; None where nothing is filtered.
    `buffer` holds what has come since the last merge with other workers' filters.
    """

    def __init__(
        self, shape: Any, demean: bool = True, destd: bool = True, clip: float | None = 10.0
    ) -> None:
        self.nested = isinstance(shape, dict) or (
            isinstance(shape, tuple)
            and not all(isinstance(axis, int | np.integer) for axis in shape)
        )
        self.shape: Any = shape if self.nested or shape is None else np.array(shape)
        self.no_preprocessor = self.nested or shape is None
        self.demean = demean
        self.destd = destd
        self.clip = clip
        self.running_stats: Any = self._new_stats()
        self.buffer: Any = self._new_stats()

    def _new_stats(self) -> Any:
        return tree.map_structure(_stat, self.shape)

    def reset_buffer(self) -> None:
        """Forget what counts for the next merge."""
        self.buffer = self._new_stats()

    def apply_changes(self, other: Any, *args: Any, with_buffer: bool = False, **kw: Any) -> None:
        """Merge the other filter's buffer, and copy that buffer if `with_buffer`."""
        tree.map_structure(
            lambda mine, new: None if mine is None else mine.update(new),
            self.running_stats,
            other.buffer,
        )
        if with_buffer:
            self.buffer = _copied(other.buffer)

    def copy(self) -> MeanStdFilter:
        """Copy settings and statistics."""
        out = MeanStdFilter(self.shape)
        out.sync(self)
        return out

    def sync(self, other: Any) -> None:
        """Take over another filter's settings and statistics."""
        self.demean, self.destd, self.clip = other.demean, other.destd, other.clip
        self.running_stats = _copied(other.running_stats)
        self.buffer = _copied(other.buffer)

    def __call__(self, x: TensorStruct, update: bool = True) -> TensorStruct:
        """Filter one observation, or a batch of them; keeps the dtype."""
        if not self.nested:
            return self._filtered(np.asarray(x), self.running_stats, self.buffer, update)
        return tree.map_structure(
            lambda leaf, stat, new: self._filtered(np.asarray(leaf), stat, new, update),
            x,
            self.running_stats,
            self.buffer,
        )

    def _filtered(self, x: Any, stat: Any, new: Any, update: bool) -> Any:
        if stat is None:
            return x
        if update:
            # RLlib fails on batches: it asks for the range of a shape.
            for row in x if x.ndim == len(stat.shape) + 1 else [x]:
                stat.push(row)
                new.push(row)
        out = x
        if self.demean:
            out = out - stat.mean
        if self.destd:
            out = out / (stat.std + SMALL_NUMBER)
        if self.clip:
            out = np.clip(out, -self.clip, self.clip)
        return out.astype(x.dtype)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.shape}, {self.demean}, {self.destd}, {self.clip}, "
            f"{self.running_stats}, {self.buffer})"
        )


class ConcurrentMeanStdFilter(MeanStdFilter):
    """MeanStdFilter under the name that RLlib's asynchronous samplers used."""

    is_concurrent = True


def _stat(shape: Any) -> RunningStat | None:
    return None if shape is None else RunningStat(tuple(np.asarray(shape, dtype=int)))


def _copied(stats: Any) -> Any:
    return tree.map_structure(lambda stat: None if stat is None else stat.copy(), stats)


def get_filter(filter_config: str | Callable[[Any], Filter], shape: Any) -> Filter:
    """Build the filter of `config["observation_filter"]`: a name, or a function of the shape."""
    if callable(filter_config):
        return filter_config(shape)
    if filter_config == "NoFilter":
        return NoFilter()
    if filter_config == "MeanStdFilter":
        return MeanStdFilter(shape, clip=None)
    if filter_config == "ConcurrentMeanStdFilter":
        return ConcurrentMeanStdFilter(shape, clip=None)
    raise LegacyError(
        f"observation_filter is {filter_config!r}, expected 'NoFilter', 'MeanStdFilter', "
        "'ConcurrentMeanStdFilter' or a function of the observation's shape"
    )
