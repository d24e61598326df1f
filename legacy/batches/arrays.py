"""Tell tensors apart and reach into nested columns, without importing torch or TF."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tree

from rlmigrate.legacy.types import Tensor, TensorStruct


def is_torch(value: object) -> bool:
    """Tell whether `value` is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_tf(value: object) -> bool:
    """Tell whether `value` is a TF tensor or variable."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and hasattr(tf, "is_tensor") and bool(tf.is_tensor(value))


def map_leaves(fn: Callable[[Any], Any], value: TensorStruct) -> TensorStruct:
    """Apply `fn` to an array, or to every array of a structure of them."""
    if isinstance(value, np.ndarray):
        return fn(value)
    return tree.map_structure(fn, value)


def join(values: list[TensorStruct], *, time_major: bool = False) -> TensorStruct:
    """Concatenate arrays, tensors or lists along the batch axis (axis 1 if time-major)."""
    axis = 1 if time_major else 0
    first = values[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(values, axis=axis)
    if is_torch(first):
        return sys.modules["torch"].cat(values, dim=axis)
    if is_tf(first):
        return sys.modules["tensorflow"].concat(values, axis=axis)
    if isinstance(first, list):
        return [item for value in values for item in value]
    raise ValueError(
        f"cannot concatenate {type(first).__name__}; expected arrays, tensors or lists"
    )


def padded(
    value: Tensor, seq_lens: Any, max_seq_len: int, *, repeat_last: bool = False
) -> TensorStruct:
    """Spread back-to-back sequences so that each takes `max_seq_len` rows.

    value: [sum(seq_lens), ...]; gives [len(seq_lens) * max_seq_len, ...], filled with zeros
    or each sequence's last row. Columns of objects and strings become lists filled with None.
    """
    lens = np.asarray(seq_lens, dtype=np.int64)
    length = len(lens) * max_seq_len
    if lens.sum() != len(value):
        raise ValueError(
            f"sequences have {int(lens.sum())} steps in all, but the column has {len(value)} rows"
        )
    if len(lens) and lens.max() > max_seq_len:
        raise ValueError(f"a sequence has {lens.max()} steps, expected at most {max_seq_len}")
    starts = np.cumsum(lens) - lens
    offset = np.arange(len(lens)) * max_seq_len - starts
    target = np.arange(len(value)) + np.repeat(offset, lens)
    if value.dtype == object or value.dtype.type is np.str_:
        items: list[Any] = [None] * length
        for row, at in zip(value, target, strict=True):
            items[at] = row
        out: Any = items
    else:
        out = np.zeros((length, *value.shape[1:]), dtype=value.dtype)
        out[target] = value
    if repeat_last:
        for i, steps in enumerate(lens):
            for row in range(i * max_seq_len + steps, (i + 1) * max_seq_len):
                out[row] = value[starts[i] + steps - 1]
    return out
