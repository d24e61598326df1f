"""What a model sees of a `Repeated` space."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.types import Tensor, TensorStruct


class RepeatedValues:
    """A padded batch of lists, with the lists' lengths.

    values: Tensor[B, max_len, ...], or a struct of such, or again RepeatedValues.
    lengths: Tensor[B, ...]; inner lists have one more axis for each list around them.
    """

    def __init__(self, values: TensorStruct, lengths: Tensor, max_len: int) -> None:
        self.values = values
        self.lengths = lengths
        self.max_len = max_len
        self._unbatched: list[list[Any]] | None = None

    def unbatch_all(self) -> list[list[Any]]:
        """Give a list of B lists of elements without padding (torch, numpy, TF eager)."""
        if self._unbatched is None:
            columns = self.unbatch_repeat_dim()
            self._unbatched = [
                [_pick(columns, row, column) for column in range(int(self.lengths[row]))]
                for row in range(_batch_size(self.values))
            ]
        return self._unbatched

    def unbatch_repeat_dim(self) -> Any:
        """Give a list of max_len tensors [B, ...], padding included (inside dicts and tuples)."""
        return _columns(self.values, self.max_len)

    def __repr__(self) -> str:
        return f"RepeatedValues(value={self.values!r}, lengths={self.lengths!r}, {self.max_len})"


def _batch_size(values: TensorStruct) -> int:
    if isinstance(values, dict):
        return _batch_size(next(iter(values.values())))
    if isinstance(values, tuple):
        return _batch_size(values[0])
    if isinstance(values, RepeatedValues):
        return _batch_size(values.values)
    size = values.shape[0]
    size = getattr(size, "value", size)
    if size is None:
        raise ValueError("unbatch_all() needs to know the batch size; run TF eagerly")
    return int(size)


def _columns(values: TensorStruct, max_len: int) -> Any:
    """Split off axis 1, inside dicts, tuples and inner lists."""
    if isinstance(values, dict):
        return {key: _columns(value, max_len) for key, value in values.items()}
    if isinstance(values, tuple):
        return tuple(_columns(value, max_len) for value in values)
    if isinstance(values, RepeatedValues):
        inner = _columns(values.values, max_len)
        return [
            RepeatedValues(_nth(inner, index), values.lengths[:, index, ...], values.max_len)
            for index in range(max_len)
        ]
    return [values[:, index, ...] for index in range(max_len)]


def _nth(columns: Any, index: int) -> Any:
    if isinstance(columns, dict):
        return {key: _nth(value, index) for key, value in columns.items()}
    if isinstance(columns, tuple):
        return tuple(_nth(value, index) for value in columns)
    return columns[index]


def _pick(columns: Any, row: int, column: int) -> Any:
    if isinstance(columns, dict):
        return {key: _pick(value, row, column) for key, value in columns.items()}
    if isinstance(columns, tuple):
        return tuple(_pick(value, row, column) for value in columns)
    if isinstance(columns, list):
        return _pick(columns[column], row, column)
    if isinstance(columns, RepeatedValues):
        return columns.unbatch_all()[row]
    return columns[row, ...]
