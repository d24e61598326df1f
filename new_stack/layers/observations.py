"""What the preprocessors of RLlib's old stack made of observations, for whole batches."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn


def preprocess(obs: Any, space: gym.Space[Any]) -> Any:
    """Return a batch of observations as old models saw it in `input_dict["obs"]`.

    A Box is left as it is, but for the memory of an Atari (128 numbers), which is scaled to
    -1..1. Discrete numbers become one-hot, parts of a Dict or Tuple float32. Where all of an
    environment's observations are Boxes, or RLlib's FlattenObservations connector runs before
    the module, this changes nothing and may go. Raises ValueError for an Atari screen.

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
    _refuse_screens(space)
    return obs


def _refuse_screens(space: gym.Space[Any]) -> None:
    """Raise ValueError for the one shape that the old stack cropped and scaled down."""
    if space.shape == (210, 160, 3):
        raise ValueError(
            "observations of (210, 160, 3) are Atari screens, which RLlib's old stack scaled down "
            "before the model saw them; the new one does not: wrap the environment with "
            "wrap_atari_for_new_api_stack of ray.rllib.env.wrappers.atari_wrappers"
        )


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


def own_copy(inputs: Any) -> Any:
    """Copy observations or states, each part of them, for a forward that changes them in place.

    inputs: number[B, ...] or a dict, tuple or list of them -> the same structure.
    """
    if isinstance(inputs, dict):
        return {key: own_copy(part) for key, part in inputs.items()}
    if isinstance(inputs, tuple | list):
        return type(inputs)(own_copy(part) for part in inputs)
    return inputs.clone()


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


def preprocessed_space(space: gym.Space[Any]) -> gym.Space[Any]:
    """Return the `obs_space` that old models were built with.

    Spaces whose observations the old stack left alone are returned as they are; others become a
    Box of the preprocessed shape, with the space itself as its `original_space`. Raises ValueError
    for an Atari screen.
    """
    _refuse_screens(space)
    flattened = isinstance(space, gym.spaces.Dict | gym.spaces.Tuple)
    one_hot = isinstance(space, gym.spaces.Discrete | gym.spaces.MultiDiscrete)
    if not flattened and not one_hot and space.shape != (128,):
        return space
    box = gym.spaces.Box(-1.0, 1.0, (flat_size(space),), np.float32)
    box.original_space = space  # type: ignore[attr-defined]
    return box
