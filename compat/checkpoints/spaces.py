"""Spaces in old checkpoints: as plain data, or as pickled objects of gym or gymnasium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.checkpoints.inert import Inert
from rlmigrate.errors import CheckpointError
from rlmigrate.new_stack.checkpoints.spaces import space_from_dict


def space_of(value: Any) -> gym.Space[Any] | None:
    """Rebuild a space, with the `original_space` that preprocessing kept, or None if it is not one.

    Raises CheckpointError for a space of an unknown kind.
    """
    if isinstance(value, gym.Space):
        return value
    if isinstance(value, Inert):
        return _from_object(value)
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("space"), Mapping):
        space = space_from_dict(value["space"])
        original = value.get("original_space")
        return _with_original(space, None if original is None else space_of(original))
    return space_from_dict(value) if "space" in value else None


def _with_original(
    space: gym.Space[Any] | None, original: gym.Space[Any] | None
) -> gym.Space[Any] | None:
    if space is not None and original is not None:
        space.original_space = original  # type: ignore[attr-defined]
    return space


def _from_object(value: Inert) -> gym.Space[Any] | None:
    kind = value.name.rpartition(".")[2]
    if ".spaces." not in value.name:
        return None
    made = _rebuild(kind, value)
    if made is None:
        raise CheckpointError(f"a space of the kind {value.name} cannot be rebuilt")
    original = value.get("original_space")
    return _with_original(made, None if original is None else space_of(original))


def _rebuild(kind: str, value: Inert) -> gym.Space[Any] | None:
    if kind == "Box":
        dtype: Any = np.dtype(_plain(value.get("dtype")))
        return gym.spaces.Box(np.array(value.get("low")), np.array(value.get("high")), dtype=dtype)
    if kind == "Discrete":
        return gym.spaces.Discrete(int(value.get("n")), start=int(value.get("start", 0)))
    if kind == "MultiDiscrete":
        return gym.spaces.MultiDiscrete(np.array(value.get("nvec")))
    if kind == "MultiBinary":
        count = value.get("n")
        return gym.spaces.MultiBinary(count if isinstance(count, int) else list(count))
    children = value.get("spaces")
    if kind == "Tuple":
        return gym.spaces.Tuple([_child(child) for child in children])
    if kind == "Dict":
        items = children.items if isinstance(children, Inert) else children
        # Pairs keep the order that the old flattening used; gymnasium sorts a plain dict.
        return gym.spaces.Dict([(key, _child(child)) for key, child in items.items()])
    return None


def _child(value: Any) -> gym.Space[Any]:
    space = space_of(value)
    if space is None:
        raise CheckpointError(f"a part of a nested space cannot be rebuilt: {value!r}")
    return space


def _plain(dtype: Any) -> Any:
    return getattr(dtype, "value", dtype)
