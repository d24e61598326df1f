"""Weights of a Keras model for a torch module whose layers have the same names.

Keras names a weight `scope/layer/kernel:0` and lays kernels out as [in, out] or [h, w, in, out];
torch names it `layer.weight`, with out in front.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rlmigrate.compat.parity.arrays import Array

_PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "embeddings": "weight",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_AXES = {2: (1, 0), 3: (2, 1, 0), 4: (3, 2, 0, 1)}


def pair_keras(old: Mapping[str, Array], new: Mapping[str, Array]) -> dict[str, str]:
    """Map Keras names to torch names by the layer's name, where exactly one fits in shape.

    >>> pair_keras({"m/pi/kernel:0": np.zeros((2, 3))}, {"head.pi.weight": np.zeros((3, 2))})
    {'m/pi/kernel:0': 'head.pi.weight'}
    """
    pairs = {}
    for name, value in old.items():
        scope, _, part = name.partition(":")[0].rpartition("/")
        layer = scope.rpartition("/")[2]
        wanted = f"{layer}.{_PARTS.get(part, part)}"
        shape = to_torch(name, value).shape
        fitting = [
            other
            for other, theirs in new.items()
            if (other == wanted or other.endswith(f".{wanted}")) and theirs.shape == shape
        ]
        if layer and len(fitting) == 1:
            pairs[name] = fitting[0]
    return pairs


def laid_out_like(name: str, partner: str, value: Array) -> Array:
    """Lay a Keras weight, or its gradient, out as its partner's framework does.

    >>> laid_out_like("m/pi/kernel:0", "pi.weight", np.array([[1, 2]])).tolist()
    [[1], [2]]
    """
    return to_torch(name, value) if partner.endswith(".weight") else value


def to_torch(name: str, value: Array) -> Array:
    """Lay a Keras weight out as torch does."""
    if name.partition(":")[0].endswith("/kernel") and value.ndim in _AXES:
        return np.ascontiguousarray(np.transpose(value, _AXES[value.ndim]))
    return value
