"""Numpy counterparts of layers and losses, and conversion from tensors."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import tree

from rlmigrate.legacy.batches.arrays import is_tf, is_torch
from rlmigrate.legacy.types import Tensor, TensorStruct

Array = npt.NDArray[Any]

SMALL_NUMBER = 1e-6
# The smallest and largest logits and log-stds that the distributions let through.
MIN_LOG_NN_OUTPUT = -5
MAX_LOG_NN_OUTPUT = 2
LARGE_INTEGER = 100000000


def convert_to_numpy(x: TensorStruct, reduce_type: bool = True) -> TensorStruct:
    """Turn all tensors of a structure into arrays, and scalars of torch into Python numbers.

    Floats become float32 and integers of the platform's width int32 if `reduce_type`.
    """
    if isinstance(x, np.ndarray) or is_torch(x):
        return _to_numpy(x, reduce_type)
    return tree.map_structure(lambda item: _to_numpy(item, reduce_type), x)


def _to_numpy(item: Any, reduce_type: bool) -> Any:
    if is_torch(item):
        if item.dim() == 0:
            return item.item()
        item = item.detach().cpu().numpy()
    elif is_tf(item) and hasattr(item, "numpy"):
        item = item.numpy()
    if reduce_type and isinstance(item, np.ndarray):
        if item.dtype.kind == "f":
            return item.astype(np.float32)
        if np.issubdtype(item.dtype, int):
            return item.astype(np.int32)
    return item


def _array(value: Any) -> Any:
    return convert_to_numpy(value, reduce_type=False) if value is not None else None


def fc(x: Tensor, weights: Tensor, biases: Tensor = None, framework: str | None = None) -> Array:
    """Compute a dense layer; torch weights [out, in] are transposed if the shapes say so."""
    x, weights, biases = _array(x), _array(weights), _array(biases)
    if framework == "torch" and x.shape[1] != weights.shape[0] and x.shape[1] == weights.shape[1]:
        weights = weights.T
    return np.asarray(np.matmul(x, weights) + (0.0 if biases is None else biases))


def lstm(
    x: Array,
    weights: Array,
    biases: Array | None = None,
    initial_internal_states: Any = None,
    time_major: bool = False,
    forget_bias: float = 1.0,
) -> tuple[Array, tuple[Array, Array]]:
    """Compute an LSTM layer with TF's order of gates: input, cell, forget, output.

    x: [B, T, D], or [T, B, D] if time-major. Gives the outputs and the last (c, h).
    """
    if not time_major:
        x = x.swapaxes(0, 1)
    units = weights.shape[1] // 4
    if initial_internal_states is None:
        cell = hidden = np.zeros((x.shape[1], units))
    else:
        cell, hidden = initial_internal_states
    outputs = np.zeros((len(x), x.shape[1], units))
    for t, step in enumerate(x):
        gates = np.matmul(np.concatenate((step, hidden), axis=1), weights)
        gates = gates if biases is None else gates + biases
        take, new, forget, give = np.split(gates, 4, axis=1)
        cell = cell * sigmoid(forget + forget_bias) + sigmoid(take) * np.tanh(new)
        hidden = sigmoid(give) * np.tanh(cell)
        outputs[t] = hidden
    return outputs if time_major else outputs.swapaxes(0, 1), (cell, hidden)


def one_hot(
    x: Any, depth: int = 0, on_value: float = 1.0, off_value: float = 0.0, dtype: Any = np.float32
) -> Array:
    """Give [..., depth] with `on_value` at the index that `x` names; depth 0 fits the largest.

    >>> one_hot(np.array([1, 0]), depth=3)
    array([[0., 1., 0.],
           [1., 0., 0.]], dtype=float32)
    """
    index = np.asarray(_array(x))
    if index.dtype == np.bool_:
        index, depth = index.astype(np.int64), 2
    depth = int(depth) or int(np.max(index)) + 1
    if np.max(index) >= depth:
        raise ValueError(f"one_hot: index {np.max(index)} does not fit a depth of {depth}")
    hot = index[..., None].astype(np.int64) == np.arange(depth)
    # A negative index counts from the end, as in numpy.
    hot |= index[..., None].astype(np.int64) + depth == np.arange(depth)
    return np.where(hot, on_value, off_value).astype(dtype)


def one_hot_multidiscrete(x: Any, depths: Sequence[int] | Array) -> Array:
    """Concatenate the one-hot parts of [n] or [B, n] indices."""
    x = np.asarray(_array(x))
    return np.concatenate([one_hot(x[..., i], depth=n) for i, n in enumerate(depths)], axis=-1)


def flatten_inputs_to_1d_tensor(
    inputs: TensorStruct,
    spaces_struct: Any = None,
    time_axis: bool = False,
    batch_axis: bool = True,
) -> Array:
    """Concatenate all parts of a structure, discrete ones one-hot, as [B, n] or [B, T, n]."""
    flat = tree.flatten(inputs)
    spaces = tree.flatten(spaces_struct) if spaces_struct is not None else [None] * len(flat)
    parts: list[Array] = []
    for value, space in zip(flat, spaces, strict=True):
        array = np.asarray(value)
        lead = array.shape[: 2 if time_axis else 1 if batch_axis else 0]
        if isinstance(space, gym.spaces.Discrete):
            array = one_hot(array, depth=int(space.n))
        elif isinstance(space, gym.spaces.MultiDiscrete):
            array = one_hot_multidiscrete(array.reshape(*lead, -1), space.nvec.ravel())
        parts.append(array.reshape(*lead, -1).astype(np.float32))
    return np.concatenate(parts, axis=-1)


def make_action_immutable(obj: Any) -> Any:
    """Make an array read-only and a dict a read-only view."""
    if isinstance(obj, np.ndarray):
        obj.setflags(write=False)
        return obj
    return MappingProxyType(obj) if isinstance(obj, dict) else obj


def huber_loss(x: Array, delta: float = 1.0) -> Array:
    """Compute the Huber loss of each error."""
    size = np.abs(x)
    return np.where(size < delta, np.power(x, 2.0) * 0.5, delta * (size - 0.5 * delta))


def l2_loss(x: Array) -> Any:
    """Compute half the sum of squares."""
    return np.sum(np.square(x)) / 2.0


def relu(x: Array, alpha: float = 0.0) -> Array:
    """Compute the leaky ReLU with slope `alpha` below 0."""
    return np.asarray(np.maximum(x, x * alpha))


def sigmoid(x: Array, derivative: bool = False) -> Array:
    """Compute the logistic function, or its derivative given the function's values."""
    return np.asarray(x * (1 - x) if derivative else 1 / (1 + np.exp(-x)))


def softmax(x: Any, axis: int = -1, epsilon: float | None = None) -> Array:
    """Compute the softmax, at least `epsilon` (1e-6) everywhere."""
    exp = np.exp(x)
    share = exp / np.sum(exp, axis, keepdims=True)
    return np.asarray(np.maximum(share, epsilon or SMALL_NUMBER))


def aligned_array(size: int, dtype: Any, align: int = 64) -> Array:
    """Give an empty array whose data begins at a multiple of `align` bytes."""
    count = size * np.dtype(dtype).itemsize
    raw = np.empty(count + (align - 1), dtype=np.uint8)
    start = -raw.ctypes.data % align
    return raw[start : start + count].view(dtype)


def concat_aligned(items: Sequence[Array], time_major: bool | None = None) -> Array:
    """Concatenate along the batch axis."""
    return np.concatenate(list(items), axis=1 if time_major else 0)
