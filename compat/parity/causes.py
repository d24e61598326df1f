"""How one array follows from another: the usual ways in which a rewrite goes wrong.

relation     a phrase such as "columns permuted: new 0 is legacy 1", or None
activation   the name of the function that maps one array to the other, or None
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlmigrate.compat.parity.arrays import Array

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "none": lambda x: x,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "swish": lambda x: x / (1.0 + np.exp(-x)),
    "leaky relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "softplus": lambda x: np.logaddexp(x, 0.0),
}


def _close(a: Array, b: Array) -> bool:
    scale = max(float(np.abs(a).max(initial=0.0)), 1e-6)
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= 2e-5 * scale)


def activation(before: Array, after: Array) -> str | None:
    """Name the activation that turns `before` into `after`.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 9)
    >>> activation(x, np.tanh(x))
    'tanh'
    """
    if before.shape != after.shape or before.size < 4:
        return None
    with np.errstate(over="ignore"):
        for name, function in _ACTIVATIONS.items():
            if _close(after, function(before.astype(np.float64))):
                return name
    return None


def relation(old: Array, new: Array) -> str | None:
    """Say how `new` follows from `old`, if it is one of the usual ways."""
    if old.shape != new.shape or old.size < 2 or old.dtype.kind != "f":
        return None
    keep = np.isfinite(old) & np.isfinite(new) & (np.abs(old) < 1e8)
    if not keep.all():
        old, new = np.where(keep, old, 0.0), np.where(keep, new, 0.0)
    old, new = old.astype(np.float64), new.astype(np.float64)
    if not np.ptp(old):
        return None
    for explain in (_permuted, _rounded, _shifted, _clipped, _scaled, _transposed):
        text = explain(old, new)
        if text:
            return text
    return None


def _rounded(old: Array, new: Array) -> str | None:
    """Tell values that went through a narrower type."""
    narrow = new.astype(np.float32)
    if not np.abs(old - new).max() <= 0.01 * np.abs(old).max():
        return None
    if not (narrow.view(np.uint32) & 0xFFFF).any():
        return "rounded to bfloat16"
    with np.errstate(over="ignore"):
        if np.array_equal(narrow, narrow.astype(np.float16).astype(np.float32)):
            return "rounded to float16"
    return None


def _permuted(old: Array, new: Array) -> str | None:
    if old.ndim == 4:  # images: [B, C, H, W]
        found = _permuted(*(np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]) for x in (old, new)))
        return found and found.replace("columns", "channels")
    if old.ndim != 2 or old.shape[0] < 2 or not 2 <= old.shape[1] <= 512:
        return None
    sources = []
    for column in new.T:
        distance = np.abs(old - column[:, None]).max(axis=0)
        best = int(distance.argmin())
        if distance[best] > 2e-5 * max(np.abs(column).max(), 1e-6):
            return None
        sources.append(best)
    moved = [f"new {i} is legacy {j}" for i, j in enumerate(sources) if i != j]
    if not moved or len(set(sources)) != len(sources):
        return None
    return "columns permuted: " + ", ".join(moved[:4]) + (", ..." if len(moved) > 4 else "")


def _shifted(old: Array, new: Array) -> str | None:
    if len(old) < 4:
        return None
    if _close(old[:-1], new[1:]) and not _close(old, new):
        return "late by one step"
    if _close(old[1:], new[:-1]) and not _close(old, new):
        return "early by one step"
    return None


def _clipped(old: Array, new: Array) -> str | None:
    low, high = float(new.min()), float(new.max())
    if low == high or (low <= old.min() and high >= old.max()):
        return None
    if _close(np.clip(old, low, high), new):
        return f"clipped to [{low:.6g}, {high:.6g}]"
    return None


def _scaled(old: Array, new: Array) -> str | None:
    slope, offset = np.polyfit(old.reshape(-1), new.reshape(-1), 1)
    if abs(slope) < 1e-6 or not _close(slope * old + offset, new):
        return None
    if abs(slope - 1) < 1e-4:
        return f"shifted by {offset:.4g}" if abs(offset) > 1e-6 else None
    plus = f" and shifted by {offset:.4g}" if abs(offset) > 1e-4 * np.abs(old).max() else ""
    return ("sign flipped" if abs(slope + 1) < 1e-5 else f"multiplied by {slope:.7g}") + plus


def _transposed(old: Array, new: Array) -> str | None:
    if old.ndim == 2 and old.shape[0] == old.shape[1] and _close(old.T, new):
        return "transposed"
    return None
