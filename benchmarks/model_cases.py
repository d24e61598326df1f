"""Spaces that other people's models may fit, for the two probes."""

from __future__ import annotations

from collections.abc import Mapping
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


def spaces_of(facts: Mapping[str, Any], names: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """The spaces that the table gives for a class, or all that may fit."""
    obs = [eval(facts["obs"], dict(names))] if "obs" in facts else OBSERVATIONS
    act = [eval(facts["act"], dict(names))] if "act" in facts else ACTIONS
    return [(o, a) for o in obs for a in act]


def evaluated(value: Any, names: Mapping[str, Any]) -> Any:
    """Settings of the table; a string that begins with = is an expression."""
    if isinstance(value, dict):
        return {key: evaluated(each, names) for key, each in value.items()}
    spoken = isinstance(value, str) and value.startswith("=")
    return eval(value[1:], dict(names)) if spoken else value


def said(error: BaseException) -> str:
    """One line on an error."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:160]
