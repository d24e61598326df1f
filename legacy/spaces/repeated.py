"""A list of up to `max_len` elements of one child space."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np


class Repeated(gym.Space[Any]):
    """A list of zero to `max_len` elements of `child_space`.

    >>> Repeated(gym.spaces.Discrete(3), max_len=2).contains([0, 2])
    True
    """

    def __init__(self, child_space: gym.Space[Any], max_len: int) -> None:
        super().__init__()
        self.child_space = child_space
        self.max_len = max_len

    @property
    def is_np_flattenable(self) -> bool:
        """Say that gymnasium cannot flatten a list of unknown length."""
        return False

    def sample(self, mask: Any = None, probability: Any = None) -> list[Any]:
        """Draw one to `max_len` elements."""
        length = int(self.np_random.integers(1, self.max_len + 1))
        return [self.child_space.sample() for _ in range(length)]

    def contains(self, x: Any) -> bool:
        """Tell whether `x` is a list or array of at most `max_len` child elements."""
        return (
            isinstance(x, list | np.ndarray)
            and len(x) <= self.max_len
            and all(self.child_space.contains(element) for element in x)
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Repeated)
            and self.max_len == other.max_len
            and self.child_space == other.child_space
        )

    __hash__ = gym.Space.__hash__

    def __repr__(self) -> str:
        return f"Repeated({self.child_space}, {self.max_len})"
