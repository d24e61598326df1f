"""What RLlib and TensorFlow had as functions for Keras models, in torch.

get_activation_fn, one_hot_of, flatten_rows   RLlib's for TensorFlow, under their names
keras_one_hot, keras_pad                      TensorFlow's where torch's are otherwise
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import torch
import torch.nn.functional as F

from rlmigrate.new_stack.layers.keras_layers import keras_activation
from rlmigrate.new_stack.layers.keras_symbols import Symbol, described


def get_activation_fn(name: Any = None, framework: str = "torch") -> Callable[[Any], Any]:
    """Return the function of an activation, of whatever framework the caller thinks it is."""
    return keras_activation(name.lower() if isinstance(name, str) else name)


def flatten_rows(x: Any) -> Any:
    """number[B, ...] -> number[B, n]."""
    return torch.flatten(x, 1)


def keras_one_hot(indices: Any, depth: int) -> Any:
    """int[...] -> float32[..., depth], all zeros for an index that is not in [0, depth)."""
    if isinstance(indices, Symbol):
        return described(keras_one_hot, indices, depth)
    return (indices[..., None] == torch.arange(depth, device=indices.device)).float()


def one_hot_of(x: Any, space: gym.Space[Any]) -> Any:
    """Write numbers of a Discrete or MultiDiscrete space as float32[B, ..., n] of ones and zeros.

    Raises ValueError for other spaces.
    """
    if isinstance(space, gym.spaces.Discrete):
        return keras_one_hot(x, int(space.n))
    if not isinstance(space, gym.spaces.MultiDiscrete):
        raise ValueError(f"{space} has no numbers to write as ones and zeros")
    sizes = [int(n) for n in space.nvec.reshape(-1)]
    return torch.cat([keras_one_hot(x[:, i], size) for i, size in enumerate(sizes)], dim=-1)


def keras_pad(tensor: Any, paddings: Sequence[Sequence[int]]) -> Any:
    """Put zeros around each dimension: `paddings` [before, after] each, the first one first."""
    return F.pad(tensor, [int(n) for pair in reversed(list(paddings)) for n in pair])
