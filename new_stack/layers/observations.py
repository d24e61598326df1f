"""What the preprocessors of RLlib's old stack made of observations, for whole batches."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn


def preprocess(obs: Any, space: gym.Space[Any]) -> Any:
    """Return a batch of observations as old models saw it in `input_dict["obs"]`.

    A plain Box is left as it is. Discrete numbers become one-hot, parts of a Dict or Tuple
    float32. Raises ValueError for an Atari screen, which a connector has to shrink.

    obs: number[B, ...] or a dict or tuple of them -> the same structure.
    """
    if isinstance(space, gym.spaces.Dict):
        return {key: _part(obs[key], inner) for key, inner in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(_part(each, inner) for each, inner in zip(obs, space.spaces, strict=True))
    if isinstance(space, gym.spaces.Discrete):
        return nn.functional.one_hot((obs - int(space.start)).long(), int(space.n)).float()
    if isinstance(space, gym.spaces.MultiDiscrete):
        sizes = [int(n) for n in space.nvec.reshape(-1)]
        starts = [int(n) for n in space.start.reshape(-1)]
        columns = obs.reshape(*obs.shape[: obs.dim() - len(space.shape)], -1).long()
        one_hot = [
            nn.functional.one_hot(columns[..., i] - start, size)
            for i, (size, start) in enumerate(zip(sizes, starts, strict=True))
        ]
        return torch.cat(one_hot, dim=-1).float()
    if space.shape == (128,):  # taken for the memory of an Atari
        return (obs.float() - 128) / 128
    if space.shape == (210, 160, 3):
        raise ValueError("Atari screens of 210 x 160 x 3: shrink them with a connector")
    return obs


def _part(obs: Any, space: gym.Space[Any]) -> Any:
    out = preprocess(obs, space)
    return out.float() if isinstance(out, torch.Tensor) else out


def flatten(obs: Any, space: gym.Space[Any]) -> torch.Tensor:
    """Return a batch of observations as old models saw it in `input_dict["obs_flat"]`.

    obs: number[B, ...] or a dict or tuple of them -> number[B, flat_size(space)].
    """
    out = preprocess(obs, space)
    if isinstance(space, gym.spaces.Dict):
        parts = [flatten(obs[key], inner).float() for key, inner in space.spaces.items()]
        return torch.cat(parts, dim=-1)
    if isinstance(space, gym.spaces.Tuple):
        pairs = zip(obs, space.spaces, strict=True)
        return torch.cat([flatten(each, inner).float() for each, inner in pairs], dim=-1)
    inner_dims = 1 if out is not obs else len(space.shape or ())
    flat: torch.Tensor = out.reshape(*out.shape[: out.dim() - inner_dims], -1)
    return flat


def flat_size(space: gym.Space[Any]) -> int:
    """Count the numbers of one flattened observation."""
    if isinstance(space, gym.spaces.Dict):
        return sum(flat_size(inner) for inner in space.spaces.values())
    if isinstance(space, gym.spaces.Tuple):
        return sum(flat_size(inner) for inner in space.spaces)
    if isinstance(space, gym.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gym.spaces.MultiDiscrete):
        return int(np.sum(space.nvec))
    return int(np.prod(space.shape or ()))


def flat_space(space: gym.Space[Any]) -> gym.spaces.Box:
    """Return the space of flattened observations."""
    return gym.spaces.Box(-np.inf, np.inf, (flat_size(space),), np.float32)
