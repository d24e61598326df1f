"""Vectors of positive numbers that sum to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt


class Simplex(gym.Space[npt.NDArray[Any]]):
    """Points whose last axis is non-negative and sums to 1, drawn from a Dirichlet.

    >>> Simplex(shape=(3,)).contains(np.array([0.2, 0.3, 0.5], np.float32))
    True
    """

    def __init__(
        self,
        shape: Sequence[int],
        concentration: npt.NDArray[Any] | None = None,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__(tuple(shape), dtype)
        self.dim = int(shape[-1])
        if concentration is None:
            concentration = np.ones(self.dim, dtype=np.int64)
        if concentration.shape[0] != self.dim:
            raise ValueError(
                f"Simplex: concentration has {concentration.shape[0]} entries, expected {self.dim} "
                "(the last entry of shape)"
            )
        self.concentration = concentration

    @property
    def is_np_flattenable(self) -> bool:
        """Say that elements are arrays."""
        return True

    def sample(self, mask: Any = None, probability: Any = None) -> npt.NDArray[Any]:
        """Draw from the Dirichlet, with this space's own seed."""
        assert self.shape is not None
        point = self.np_random.dirichlet(self.concentration, size=self.shape[:-1])
        return np.asarray(point, dtype=self.dtype)

    def contains(self, x: Any) -> bool:
        """Tell whether `x` has the shape, is non-negative and sums to 1."""
        x = np.asarray(x)
        return bool(
            x.shape == self.shape
            and np.all(x >= 0)
            and np.allclose(np.sum(x, axis=-1), np.ones_like(x[..., 0]))
        )

    def to_jsonable(self, sample_n: Sequence[npt.NDArray[Any]]) -> list[Any]:
        """Turn samples into nested lists."""
        return list(np.asarray(sample_n).tolist())

    def from_jsonable(self, sample_n: list[Any]) -> list[npt.NDArray[Any]]:
        """Turn nested lists back into samples."""
        return [np.asarray(sample, dtype=self.dtype) for sample in sample_n]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Simplex)
            and self.shape == other.shape
            and np.allclose(self.concentration, other.concentration)
        )

    __hash__ = gym.Space.__hash__

    def __repr__(self) -> str:
        return f"Simplex({self.shape}; {self.concentration})"
