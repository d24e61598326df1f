"""Sizes of a difference between arrays of equal shape: absolute, relative, in ULPs, in noise."""

from __future__ import annotations

import numpy as np

from rlmigrate.compat.parity.arrays import Array

_BITS = {2: "int16", 4: "int32", 8: "int64"}


def absolute(old: Array, new: Array) -> Array:
    """Give |new - old| in float64; 0 where both are the same infinity."""
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(new.astype(np.float64) - old.astype(np.float64))
    return np.where(old == new, 0.0, difference)


def relative(old: Array, new: Array) -> Array:
    """Give |new - old| / |old|; 0 where equal, infinite where only old is 0."""
    difference = absolute(old, new)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(difference == 0.0, 0.0, difference / np.abs(old.astype(np.float64)))


def ulps(old: Array, new: Array) -> Array:
    """Count the representable floats between two arrays of one float type, as float64.

    >>> import numpy as np
    >>> ulps(np.float32([1.0, -0.0]), np.float32([1.0000001, 0.0])).tolist()
    [1.0, 0.0]
    """
    kind = _BITS[old.dtype.itemsize]
    one, two = (np.ascontiguousarray(x).view(kind) for x in (old, new.astype(old.dtype)))
    if not np.any((one ^ two) < 0):  # no sign differs, so that nothing overflows
        return np.asarray(np.abs(one - two).astype(np.float64))
    lowest = -float(2 ** (8 * old.dtype.itemsize - 1))

    def order(bits: Array) -> Array:
        wide = bits.astype(np.float64)
        return np.where(wide < 0, lowest - wide, wide)

    return np.asarray(np.abs(order(two) - order(one)))


def ulp_of(value: float, dtype: object = np.float32) -> float:
    """Give the spacing of a float type at a magnitude, float32 if it is not a narrower one.

    >>> ulp_of(1.0, np.float16)
    0.0009765625
    """
    kind = np.float16 if np.dtype(dtype) == np.float16 else np.float32  # type: ignore[call-overload]
    with np.errstate(over="ignore"):
        narrow = kind(abs(value))
    if not np.isfinite(narrow):
        narrow = np.finfo(kind).max
    return float(np.spacing(narrow))


def noise_floor(old: Array, reference: Array) -> float:
    """Give max|old - reference|, at least one ULP of the largest reference value.

    `old` is the float32 result and `reference` the same model's float64 result, both finite.
    """
    if old.size == 0:
        return ulp_of(0.0)
    noise = float(absolute(reference, old).max())
    return max(noise, ulp_of(float(np.abs(reference).max()), old.dtype))
