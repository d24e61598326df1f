"""Spaces that other people's models may fit, for the two probes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

Box, Dict, Discrete, Tuple = gym.spaces.Box, gym.spaces.Dict, gym.spaces.Discrete, gym.spaces.Tuple


def vector(size: int) -> gym.Space[Any]:
    """A flat observation."""
    return Box(-1, 1, (size,), np.float32)


MASK = Box(0, 1, (3,), np.float32)
OBSERVATIONS = [
    vector(4),
    Box(0, 255, (84, 84, 3), np.uint8),
    Dict(action_mask=MASK, observations=vector(4)),
    Dict(action_mask=MASK, observation=vector(4)),
    Dict(avail_actions=Box(-1, 1, (3, 2), np.float32), action_mask=MASK, cart=vector(4)),
    Dict(obs=vector(4)),
    Discrete(4),
]
ACTIONS = [Discrete(3), vector(2), Tuple([Discrete(2), Discrete(2)])]


def said(error: BaseException) -> str:
    """One line on an error."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:160]
