"""`gym` as programs before gymnasium know it: `reset()` gives one thing and `step()` four.

Env, Wrapper    gymnasium's own, so that spaces and type checks agree
make            an environment with the old signatures
OldFace         the wrapper that gives them
"""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium import (
    ActionWrapper,
    Env,
    ObservationWrapper,
    RewardWrapper,
    Space,
    Wrapper,
    register,
    spaces,
)

__version__ = "0.21.0"

__all__ = [
    "ActionWrapper",
    "Env",
    "ObservationWrapper",
    "OldFace",
    "RewardWrapper",
    "Space",
    "Wrapper",
    "make",
    "register",
    "spaces",
]


class OldFace:
    """An environment of gymnasium with the signatures of gym 0.21.

    >>> env = make("CartPole-v1")
    >>> env.seed(3)
    [3]
    >>> env.reset().shape, len(env.step(0))
    ((4,), 4)
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self.env = env
        self._seed: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    @property
    def unwrapped(self) -> gymnasium.Env[Any, Any]:
        """The innermost environment."""
        return self.env.unwrapped

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seed the next reset."""
        self._seed = seed
        return [seed]

    def reset(self) -> Any:
        """Return the first observation."""
        seed, self._seed = self._seed, None
        return self.env.reset(seed=seed)[0]

    def step(self, action: Any) -> tuple[Any, float, bool, dict[str, Any]]:
        """Return observation, reward, done and info; a time limit is noted in info."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        if truncated:
            info = {**info, "TimeLimit.truncated": not terminated}
        return obs, float(reward), bool(terminated or truncated), info


def make(name: str, **options: Any) -> OldFace:
    """Make a registered environment with the old signatures."""
    return OldFace(gymnasium.make(name, **options))
