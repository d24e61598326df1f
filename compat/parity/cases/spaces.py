"""Plain facts about gymnasium spaces, typed.

children, rebuild     the parts of a Dict or Tuple, and back
leaf_spaces           all leaves with their paths
dtype_of, shape_of    never None
categories_of         sizes and starts of Discrete and MultiDiscrete
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rlmigrate.compat.parity.arrays import Array, Nested


def children(space: gym.Space[Any]) -> list[tuple[str, gym.Space[Any]]] | None:
    """List the parts of a Dict or Tuple in the space's own order; None for others."""
    if isinstance(space, spaces.Dict):
        return list(space.spaces.items())
    if isinstance(space, spaces.Tuple):
        return [(str(i), part) for i, part in enumerate(space.spaces)]
    return None


def rebuild(space: gym.Space[Any], parts: list[Nested]) -> Nested:
    """Put parts back into a Dict's or Tuple's structure."""
    if isinstance(space, spaces.Dict):
        return dict(zip(space.spaces, parts, strict=True))
    return tuple(parts)


def pick(value: Nested, key: str) -> Nested:
    """Take a part of a value by its key or position."""
    return value[key] if isinstance(value, dict) else value[int(key)]


def leaf_spaces(space: gym.Space[Any], path: str = "") -> Iterator[tuple[str, gym.Space[Any]]]:
    """Walk the leaves of a space with their paths."""
    parts = children(space)
    if parts is None:
        yield path, space
        return
    for name, part in parts:
        yield from leaf_spaces(part, f"{path}.{name}" if path else name)


def dtype_of(space: gym.Space[Any]) -> np.dtype[Any]:
    """Give the dtype of a leaf space."""
    return np.dtype(space.dtype)


def shape_of(space: gym.Space[Any]) -> tuple[int, ...]:
    """Give the shape of a leaf space."""
    return tuple(space.shape or ())


def is_float(space: gym.Space[Any]) -> bool:
    """Tell whether a leaf is a Box of floats."""
    return isinstance(space, spaces.Box) and dtype_of(space).kind == "f"


def categories_of(space: gym.Space[Any]) -> tuple[Array, Array] | None:
    """Give sizes and starts of a Discrete (0-d) or MultiDiscrete; None for others."""
    if isinstance(space, spaces.Discrete):
        return np.asarray(int(space.n)), np.asarray(int(space.start))
    if isinstance(space, spaces.MultiDiscrete):
        sizes = np.asarray(space.nvec)
        return sizes, np.asarray(getattr(space, "start", np.zeros_like(sizes)))
    return None
