"""Spaces and the actions in them: structure, dummy batches, clipping and rescaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import tree

from rlmigrate.legacy.spaces.structure import base_struct, flatten_space
from rlmigrate.legacy.types import Element, TensorStruct

__all__ = [
    "BatchedNdArray",
    "batch",
    "clip_action",
    "convert_element_to_space_type",
    "flatten_space",
    "flatten_to_single_ndarray",
    "get_base_struct_from_space",
    "get_dummy_batch_for_space",
    "get_original_space",
    "is_composite_space",
    "normalize_action",
    "unbatch",
    "unsquash_action",
]

get_base_struct_from_space = base_struct


class BatchedNdArray(np.ndarray[Any, Any]):
    """An array that says it has a batch axis already, for `batch`."""

    def __new__(cls, input_array: Any) -> BatchedNdArray:
        """View the array."""
        return np.asarray(input_array).view(cls)


def get_original_space(space: gym.Space[Any]) -> gym.Space[Any]:
    """Follow `original_space` to the environment's own space."""
    original = getattr(space, "original_space", None)
    return space if original is None else get_original_space(original)


def is_composite_space(space: gym.Space[Any]) -> bool:
    """Tell whether the space is made of others."""
    kinds = (gym.spaces.Dict, gym.spaces.Graph, gym.spaces.Sequence, gym.spaces.Tuple)
    return type(space) in kinds


def get_dummy_batch_for_space(
    space: Any,
    batch_size: int = 32,
    *,
    fill_value: float | str = 0.0,
    time_size: int | None = None,
    time_major: bool = False,
    one_hot_discrete: bool = False,
) -> TensorStruct:
    """Make a batch [B, ...] or [B, T, ...] for a space, filled with a value or "random" samples.

    batch_size: 0 leaves out the batch axis.
    """
    if isinstance(space, gym.spaces.Dict | gym.spaces.Tuple):
        space = base_struct(space)
    if isinstance(space, dict | tuple):
        return tree.map_structure(
            lambda leaf: get_dummy_batch_for_space(
                leaf,
                batch_size,
                fill_value=fill_value,
                time_size=time_size,
                time_major=time_major,
                one_hot_discrete=one_hot_discrete,
            ),
            space,
        )
    if one_hot_discrete and isinstance(space, gym.spaces.Discrete):
        space = gym.spaces.Box(0.0, 1.0, (int(space.n),), np.float32)
    elif one_hot_discrete and isinstance(space, gym.spaces.MultiDiscrete):
        space = gym.spaces.Box(0.0, 1.0, (int(np.sum(space.nvec)),), np.float32)

    lead: list[int] = [batch_size] if batch_size > 0 else []
    if time_size is not None:
        lead = [time_size, batch_size] if time_major else [batch_size, time_size]
    if fill_value == "random":
        samples = np.array([space.sample() for _ in range(int(np.prod(lead)))], dtype=space.dtype)
        return samples.reshape(*lead, *samples.shape[1:])
    return np.full([*lead, *space.shape], fill_value=fill_value, dtype=space.dtype)


def flatten_to_single_ndarray(input_: TensorStruct) -> npt.NDArray[Any]:
    """Concatenate all numbers of a structure; an array stays as it is.

    >>> flatten_to_single_ndarray({"b": 3, "a": [1, 2]})
    array([1, 2, 3])
    """
    if isinstance(input_, list | tuple | dict):
        return np.concatenate([np.reshape(part, [-1]) for part in tree.flatten(input_)])
    return input_  # type: ignore[no-any-return]


def batch(
    list_of_structs: Sequence[Any], *, individual_items_already_have_batch_dim: bool | str = False
) -> TensorStruct:
    """Stack structures along a new batch axis, or join them along the one they have.

    individual_items_already_have_batch_dim: "auto" looks whether they are `BatchedNdArray`s.
    """
    if not list_of_structs:
        raise ValueError("batch: the list is empty")
    joined = individual_items_already_have_batch_dim
    if joined == "auto":
        joined = isinstance(tree.flatten(list_of_structs[0])[0], BatchedNdArray)
    if joined:
        return tree.map_structure(lambda *s: np.concatenate(s, axis=0), *list_of_structs)
    return tree.map_structure(lambda *s: np.array(s), *list_of_structs)


def unbatch(batches_struct: TensorStruct) -> list[Any]:
    """Take the rows of a structure of batches apart."""
    flat = tree.flatten(batches_struct)
    return [
        tree.unflatten_as(batches_struct, [column[i] for column in flat])
        for i in range(len(flat[0]))
    ]


def clip_action(action: Element, action_space: Any) -> Element:
    """Clip the Box parts of an action to their bounds."""

    def clipped(value: Any, space: Any) -> Any:
        if isinstance(space, gym.spaces.Box):
            return np.clip(value, space.low, space.high)
        return value

    return tree.map_structure(clipped, action, action_space)


def unsquash_action(action: Element, action_space_struct: Any) -> Element:
    """Map actions from [-1, 1] to the bounds of their bounded Box; integers are shifted."""

    def unsquashed(value: Any, space: Any) -> Any:
        if not _bounded(space):
            return value
        if np.issubdtype(space.dtype, np.integer):
            return space.low + value
        if space.dtype not in (np.float32, np.float64):
            return value
        scaled = space.low + (value + 1.0) * (space.high - space.low) / 2.0
        # Rounding may leave the bounds.
        return np.clip(scaled, space.low, space.high)

    return tree.map_structure(unsquashed, action, action_space_struct)


def _bounded(space: Any) -> bool:
    return isinstance(space, gym.spaces.Box) and bool(
        np.all(space.bounded_below) and np.all(space.bounded_above)
    )


def normalize_action(action: Element, action_space_struct: Any) -> Element:
    """Map actions from the bounds of their float Box to [-1, 1]."""

    def normalized(value: Any, space: Any) -> Any:
        if isinstance(space, gym.spaces.Box) and space.dtype in (np.float32, np.float64):
            return (value - space.low) * 2.0 / (space.high - space.low) - 1.0
        return value

    return tree.map_structure(normalized, action, action_space_struct)


def convert_element_to_space_type(element: Element, sampled_element: Element) -> Element:
    """Cast the numbers of an element to the types of a sample of its space."""

    def cast(value: Any, sample: Any) -> Any:
        if isinstance(sample, np.ndarray):
            if isinstance(value, np.ndarray):
                return value.astype(sample.dtype, copy=False)
            if isinstance(value, int | float) and sample.shape == ():
                return np.array(value, dtype=sample.dtype)
            raise ValueError(f"element is {value!r}, expected an array of shape {sample.shape}")
        if isinstance(sample, (int, np.integer)):
            if isinstance(value, float) and value.is_integer():
                return int(value)
            if isinstance(value, np.floating):
                return np.int64(value)
        return value

    return tree.map_structure(cast, element, sampled_element, check_types=False)
