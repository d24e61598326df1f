"""Mean and variance of a stream of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class RunningStat:
    """Welford's mean and sum of squared differences, with what came since the last merge."""

    def __init__(self, shape: Any = ()) -> None:
        self.num_pushes = 0
        self.num_pushes_delta = 0
        self.mean_array = np.zeros(shape)
        self.mean_delta_array = np.zeros(shape)
        self.sum_sq_diff_array = np.zeros(shape)
        self.sum_sq_diff_delta_array = np.zeros(shape)

    def copy(self) -> RunningStat:
        """Copy all numbers."""
        out = RunningStat(self.shape)
        for key, value in self.__dict__.items():
            setattr(out, key, np.copy(value) if isinstance(value, np.ndarray) else value)
        return out

    def push(self, x: Any) -> None:
        """Take in one array of the shape that was given."""
        x = np.asarray(x)
        if x.shape != self.mean_array.shape:
            raise ValueError(f"input has shape {x.shape}, expected {self.mean_array.shape}")
        self.num_pushes += 1
        self.num_pushes_delta += 1
        if self.num_pushes == 1:
            self.mean_array[...] = x
            self.mean_delta_array[...] = x
            return
        delta = x - self.mean_array
        self.mean_array += delta / self.num_pushes
        self.mean_delta_array += delta / self.num_pushes
        squares = delta * (x - self.mean_array)
        self.sum_sq_diff_array += squares
        self.sum_sq_diff_delta_array += squares

    def update(self, other: RunningStat) -> None:
        """Merge what came into `other` since its last merge."""
        mine, new = float(self.num_pushes), float(other.num_pushes_delta)
        total = mine + new
        if total == 0:
            return
        delta = other.mean_delta_array - self.mean_array
        self.mean_array += delta * new / total
        self.sum_sq_diff_array += other.sum_sq_diff_delta_array + delta * delta * (
            mine * new / total
        )
        self.num_pushes += other.num_pushes_delta

    @property
    def n(self) -> int:
        """The number of arrays."""
        return self.num_pushes

    @property
    def mean(self) -> npt.NDArray[Any]:
        """The mean."""
        return self.mean_array

    @property
    def var(self) -> npt.NDArray[np.float32]:
        """The unbiased variance; zeros before the second array."""
        if self.num_pushes <= 1:
            return np.zeros_like(self.mean_array).astype(np.float32)
        return (self.sum_sq_diff_array / (float(self.num_pushes) - 1)).astype(np.float32)

    @property
    def std(self) -> npt.NDArray[np.float32]:
        """The standard deviation."""
        return np.sqrt(np.maximum(0, self.var))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the arrays."""
        return tuple(self.mean_array.shape)

    def __repr__(self) -> str:
        return f"(n={self.n}, mean_mean={np.mean(self.mean)}, mean_std={np.mean(self.std)})"
