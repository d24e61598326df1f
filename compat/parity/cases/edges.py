"""Edge values of a space: where a sample never goes and implementations part.

edges         labelled single values of a space
extreme       the lowest or highest value
is_mask       tell an action mask from an observation
perturbed     a case moved a little, for measuring noise around it
sample        one seeded value, masks with at least one legal action
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rlmigrate.compat.parity.arrays import Array, Nested, map_leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.cases.spaces import (
    categories_of,
    children,
    dtype_of,
    is_float,
    leaf_spaces,
    pick,
    rebuild,
    shape_of,
)

#: Bounds beyond this (CartPole has 3.4e38) overflow any net and say nothing about it.
FAR = 1e6
#: Categories of one Discrete that are all tried.
MANY = 64


def is_mask(name: str, space: gym.Space[Any]) -> bool:
    """Tell whether an observation part is an action mask: named so, and holding 0 or 1."""
    if "mask" not in name.lower():
        return False
    if isinstance(space, spaces.MultiBinary):
        return True
    return isinstance(space, spaces.Box) and bool(
        np.all(space.low >= 0) and np.all(space.high <= 1) and space.low.ndim >= 1
    )


def extreme(space: gym.Space[Any], *, high: bool) -> Nested:
    """Give the lowest or highest value, bounds beyond 1e6 taken at 1e6."""
    parts = children(space)
    if parts is not None:
        return rebuild(space, [extreme(part, high=high) for _, part in parts])
    if isinstance(space, spaces.Box):
        bound = space.high if high else space.low
        wide = np.clip(bound.astype(np.float64), -FAR, FAR)
        return wide.astype(space.dtype) if is_float(space) else bound.copy()
    if (counted := categories_of(space)) is not None:
        sizes, start = counted
        return np.asarray(start + (sizes - 1 if high else 0), dtype=space.dtype)
    if isinstance(space, spaces.MultiBinary):
        return np.full(space.shape, int(high), dtype=space.dtype)
    return space.sample()


def nought(space: gym.Space[Any], name: str = "") -> Nested:
    """Give zeros, moved into the bounds; a mask allows everything."""
    parts = children(space)
    if parts is not None:
        return rebuild(space, [nought(part, key) for key, part in parts])
    if is_mask(name, space):
        return extreme(space, high=True)
    if isinstance(space, spaces.Box):
        return np.clip(np.zeros(space.shape), space.low, space.high).astype(space.dtype)
    return extreme(space, high=False)


def sample(space: gym.Space[Any], random: np.random.Generator, name: str = "") -> Nested:
    """Draw one value; a mask is drawn from {0, 1} with at least one legal action."""
    parts = children(space)
    if parts is not None:
        return rebuild(space, [sample(part, random, key) for key, part in parts])
    if is_mask(name, space):
        mask = random.integers(0, 2, size=space.shape)
        mask.reshape(-1)[random.integers(0, mask.size)] = 1
        return mask.astype(space.dtype)
    if isinstance(space, spaces.Box):
        return _sample_box(space, random)
    space.seed(int(random.integers(0, 2**31 - 1)))
    value = space.sample()
    return np.asarray(value) if isinstance(value, int | np.generic) else value


def _sample_box(space: spaces.Box, random: np.random.Generator) -> Array:
    if not is_float(space):
        low, high = space.low.astype(np.int64), space.high.astype(np.int64)
        return random.integers(low, high, endpoint=True).astype(space.dtype)
    low = np.maximum(space.low.astype(np.float64), -FAR)
    high = np.minimum(space.high.astype(np.float64), FAR)
    wide = (high - low) > 1e3
    uniform = random.uniform(low, np.maximum(high, low))
    normal = np.clip(random.normal(size=space.shape), low, high)
    return np.asarray(np.where(wide, normal, uniform)).astype(space.dtype)


def scaled(space: gym.Space[Any], value: Nested, factor: float, name: str = "") -> Nested:
    """Multiply the float parts of a value and clip them into their bounds; masks stay."""
    parts = children(space)
    if parts is not None:
        picked = [pick(value, key) for key, _ in parts]
        scaled_parts = [
            scaled(part, item, factor, key) for (key, part), item in zip(parts, picked, strict=True)
        ]
        return rebuild(space, scaled_parts)
    if not isinstance(space, spaces.Box) or not is_float(space) or is_mask(name, space):
        return value
    return np.clip(value * factor, space.low, space.high).astype(space.dtype)


def with_mask(
    space: gym.Space[Any], value: Nested, legal: int | None, name: str = ""
) -> tuple[Nested, int]:
    """Set every mask to one legal action, or to all (None); also give the widest mask's size."""
    parts = children(space)
    if parts is not None:
        picked = [pick(value, key) for key, _ in parts]
        done = [
            with_mask(part, item, legal, key)
            for (key, part), item in zip(parts, picked, strict=True)
        ]
        return rebuild(space, [item for item, _ in done]), max(size for _, size in done)
    if not is_mask(name, space):
        return value, 0
    if legal is None:
        return extreme(space, high=True), int(np.prod(shape_of(space) or (1,)))
    mask = np.zeros(shape_of(space), dtype=dtype_of(space))
    mask[..., legal % mask.shape[-1]] = 1
    return mask, mask.shape[-1]


def categories(space: gym.Space[Any], random: np.random.Generator) -> list[Nested]:
    """Give values in which each category of each Discrete part occurs, up to 64 of a part."""
    most = 0
    for _, leaf in leaf_spaces(space):
        if (counted := categories_of(leaf)) is not None:
            most = max(most, min(int(counted[0].max()), MANY))
    return [_at_category(space, sample(space, random), turn) for turn in range(most)]


def _at_category(space: gym.Space[Any], value: Nested, turn: int) -> Nested:
    parts = children(space)
    if parts is not None:
        picked = [pick(value, key) for key, _ in parts]
        return rebuild(
            space,
            [_at_category(part, item, turn) for (_, part), item in zip(parts, picked, strict=True)],
        )
    if (counted := categories_of(space)) is not None:
        sizes, start = counted
        return np.asarray(start + turn % sizes, dtype=space.dtype)
    return value


def map_zeros(value: Nested) -> Nested:
    """Give the same structure filled with zeros, as padding is."""
    return map_leaves(lambda leaf: np.zeros_like(np.asarray(leaf)), value)


def perturbed(space: gym.Space[Any], case: Case, turn: int) -> Case:
    """Move a case's observations a little, inside their bounds; masks stay.

    Floats move by about 1e-3, integers by one or a 64th; one category or bit in four is drawn anew.
    """
    random = np.random.default_rng([turn, case.rows])

    def move(part: gym.Space[Any], value: Nested, name: str) -> Nested:
        parts = children(part)
        if parts is not None:
            picked = [pick(value, k) for k, _ in parts]
            moved = [move(p, item, k) for (k, p), item in zip(parts, picked, strict=True)]
            return rebuild(part, moved)
        return value if is_mask(name, part) else _moved(part, np.asarray(value), random)

    return replace(case, name=f"{case.name}, moved", obs=move(space, case.obs, ""))


def _moved(space: gym.Space[Any], value: Array, random: np.random.Generator) -> Array:
    if isinstance(space, spaces.Box) and is_float(space):
        steps = 1e-3 * random.normal(size=(2, *value.shape))
        near = value * (1 + steps[0]) + steps[1]
        return np.asarray(np.clip(near, space.low, space.high)).astype(space.dtype)
    if isinstance(space, spaces.Box):
        wide = value.astype(np.int64)
        step = np.maximum(1, np.abs(wide) // 64)
        step = np.where((wide == 0) & (random.random(wide.shape) > 1 / 64), 0, step)  # black stays
        near = wide + step * random.integers(-1, 2, size=value.shape)
        return np.asarray(np.clip(near, space.low, space.high)).astype(space.dtype)
    anew = random.random(value.shape) < 0.25
    if (counted := categories_of(space)) is not None:
        sizes, start = counted
        return np.where(anew, start + random.integers(0, sizes, size=value.shape), value)
    if isinstance(space, spaces.MultiBinary):
        return np.where(anew, 1 - value, value).astype(value.dtype)
    return value


def from_zero(space: gym.Space[Any]) -> gym.Space[Any]:
    """Give the same space with every Discrete and MultiDiscrete counting from 0."""
    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: from_zero(part) for key, part in space.spaces.items()})
    if isinstance(space, spaces.Tuple):
        return spaces.Tuple([from_zero(part) for part in space.spaces])
    if isinstance(space, spaces.Discrete):
        return spaces.Discrete(int(space.n))
    if isinstance(space, spaces.MultiDiscrete):
        return spaces.MultiDiscrete(space.nvec)
    return space
