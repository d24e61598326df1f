"""Compare an observation with its space, forgiving wrong dtypes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, Tuple

from rlmigrate.legacy.spaces import Repeated
from rlmigrate.legacy.types import Element


def check_observation(space: gym.Space[Any], observation: Element) -> None:
    """Raise ValueError unless `space` contains the observation, after casting its dtypes."""
    if type(observation) is list and isinstance(space, Box):
        observation = np.asarray(observation, dtype=np.float32)
    if space.contains(observation):
        return
    if not space.contains(cast_to_space(space, observation)):
        dtype = getattr(observation, "dtype", type(observation).__name__)
        raise ValueError(
            f"observation outside its space: expected an element of {space}, got {observation!r} "
            f"(dtype {dtype}); compare env.observation_space with what reset() and step() return"
        )


def cast_to_space(space: gym.Space[Any], element: Element) -> Element:
    """Give the element with the dtypes of its space, as far as nothing is lost by it."""
    if isinstance(space, Dict) and isinstance(element, dict):
        return {
            key: cast_to_space(space.spaces[key], value) if key in space.spaces else value
            for key, value in element.items()
        }
    if isinstance(space, Tuple) and isinstance(element, tuple | list):
        if len(element) != len(space.spaces):
            return element
        return tuple(cast_to_space(*pair) for pair in zip(space.spaces, element, strict=True))
    if isinstance(space, Repeated) and isinstance(element, list):
        return [cast_to_space(space.child_space, child) for child in element]
    if isinstance(space, Discrete):
        if isinstance(element, float | np.floating) and float(element).is_integer():
            return int(element)
        return element
    if isinstance(element, np.ndarray):
        return element.astype(space.dtype) if element.dtype != space.dtype else element
    if isinstance(element, float | int | np.number) and space.shape == ():
        return np.asarray(element, dtype=space.dtype)
    return element
