"""Turn discrete values and whole actions into vectors (torch)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tree
from gymnasium.spaces import Discrete, MultiDiscrete

from rlmigrate.legacy.types import TensorStruct


def one_hot(x: torch.Tensor, space: gym.Space[Any]) -> torch.Tensor:
    """Encode values 0 to n - 1 of a Discrete or MultiDiscrete space.

    x: [B] or [B, components]; gives int64[B, n].
    Raises ValueError for other spaces.
    """
    encode = torch.nn.functional.one_hot
    if isinstance(space, Discrete):
        return encode(x.long(), int(space.n))
    if isinstance(space, MultiDiscrete):
        parts = x.reshape(x.shape[0], -1).long()
        counts = np.ravel(space.nvec).tolist()
        return torch.cat([encode(parts[:, i], n) for i, n in enumerate(counts)], dim=-1)
    raise ValueError(f"one_hot: {space} is not Discrete or MultiDiscrete")


def one_hot_observation(x: torch.Tensor, space: gym.Space[Any]) -> torch.Tensor:
    """Encode observations, which count from the space's `start`; floats are encoded already."""
    if x.is_floating_point():
        return x
    start = getattr(space, "start", 0)
    if np.any(start):
        x = x - torch.as_tensor(start, device=x.device)
    return one_hot(x, space)


def flatten_structure(
    inputs: TensorStruct, spaces_struct: Any, *, time_axis: bool = False
) -> torch.Tensor:
    """Encode and concatenate the leaves of nested actions.

    inputs: leaves [B, ...], or [B, T, ...] with a time axis; gives float32[B, n] or [B, T, n].
    """
    leaves = tree.flatten(inputs)
    lead = tuple(leaves[0].shape[: 2 if time_axis else 1])
    rows = int(np.prod(lead))
    parts = []
    for leaf, space in zip(leaves, tree.flatten(spaces_struct), strict=True):
        flat = leaf.reshape(rows, -1)
        if isinstance(space, Discrete):
            flat = one_hot(flat.reshape(rows), space)
        elif isinstance(space, MultiDiscrete):
            flat = one_hot(flat, space)
        parts.append(flat.float())
    return torch.cat(parts, dim=-1).reshape(*lead, -1)
