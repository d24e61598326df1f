"""First-layer columns where the two stacks flatten an observation in different orders.

The old stack flattens a Dict in the order of the space, the new one in the order of the sorted
keys. The two differ only for spaces made from keyword arguments or an OrderedDict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym


@dataclass(frozen=True)
class FlatOrder:
    """Where each column of the new flat observation stands in the old one.

    ambiguous: the old stack accepted both orders, since the components are equally large.
    """

    columns: tuple[int, ...]
    ambiguous: bool


def flat_order(old: Any, new: Any) -> FlatOrder | None:
    """Compare how `old` and `new` get their flat observations.

    Returns None if the order is the same, or `new` flattens by itself.
    """
    original = getattr(getattr(old, "obs_space", None), "original_space", None)
    space: Any = getattr(new, "observation_space", None)
    if original is None or not isinstance(space, gym.spaces.Box) or len(space.shape or ()) != 1:
        return None
    if "original_space" in vars(space):
        return None
    spans: list[tuple[int, int]] = []
    ambiguous = _walk(original, 0, spans)[1]
    columns = tuple(column for start, size in spans for column in range(start, start + size))
    if columns == tuple(range(len(columns))):
        return None
    return FlatOrder(columns, ambiguous)


def _walk(space: gym.Space[Any], offset: int, spans: list[tuple[int, int]]) -> tuple[int, bool]:
    """Append the old (offset, size) of each leaf, in the new order; return size, ambiguity."""
    if isinstance(space, gym.spaces.Tuple):
        children: list[tuple[Any, gym.Space[Any]]] = list(enumerate(space.spaces))
        order: list[Any] = [index for index, _ in children]
    elif isinstance(space, gym.spaces.Dict):
        children = list(space.spaces.items())
        order = sorted(key for key, _ in children)
    else:
        size = _leaf_size(space)
        spans.append((offset, size))
        return size, False
    parts: dict[Any, tuple[list[tuple[int, int]], int]] = {}
    total, ambiguous = 0, False
    for key, child in children:
        inner: list[tuple[int, int]] = []
        size, unclear = _walk(child, offset + total, inner)
        parts[key] = (inner, size)
        total += size
        ambiguous |= unclear
    for key in order:
        spans.extend(parts[key][0])
    keys = [key for key, _ in children]
    ambiguous |= keys != order and [parts[k][1] for k in keys] == [parts[k][1] for k in order]
    return total, ambiguous


def _leaf_size(space: gym.Space[Any]) -> int:
    if isinstance(space, gym.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gym.spaces.MultiDiscrete):
        return int(space.nvec.sum())
    size = 1
    for length in space.shape or ():
        size *= length
    return size
