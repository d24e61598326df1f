"""Example environments that documents use.

RandomEnv                                      samples of the spaces it is given
MultiAgentCartPole, MultiAgentPendulum         copies of one environment as agents
MultiAgentRandomEnv                            the same of RandomEnv
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from rlmigrate.compat.names.environments import make_multi_agent


class RandomEnv(gymnasium.Env[Any, Any]):
    """Observations and rewards are samples; an episode ends by chance or after a given length.

    Config: observation_space, action_space, reward_space, p_terminated (0.1), max_episode_len,
    check_action_bounds, static_samples.
    """

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        given = config or {}
        self.action_space = given.get("action_space", gymnasium.spaces.Discrete(2))
        self.observation_space = given.get("observation_space", gymnasium.spaces.Discrete(2))
        unit = gymnasium.spaces.Box(-1.0, 1.0, (), np.float32)
        self.reward_space = given.get("reward_space", unit)
        self.p_terminated = given.get("p_terminated", given.get("p_done", 0.1))
        self.max_episode_len = given.get("max_episode_len")
        self.check_action_bounds = given.get("check_action_bounds", False)
        self.steps = 0
        static = given.get("static_samples", False)
        self._static = (
            (self.observation_space.sample(), self.reward_space.sample()) if static else None
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        self.steps = 0
        return self._sample()[0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take any action; raises ValueError for one out of bounds where that is checked."""
        if self.check_action_bounds and not self.action_space.contains(action):
            raise ValueError(f"action: expected one of {self.action_space}, got {action!r}")
        self.steps += 1
        truncated = bool(self.max_episode_len and self.steps >= self.max_episode_len)
        terminated = not truncated and bool(self.np_random.random() < self.p_terminated)
        obs, reward = self._sample()
        return obs, reward, terminated, truncated, {}

    def _sample(self) -> tuple[Any, Any]:
        if self._static is not None:
            return self._static
        return self.observation_space.sample(), self.reward_space.sample()


MultiAgentCartPole = make_multi_agent("CartPole-v1")
MultiAgentPendulum = make_multi_agent("Pendulum-v1")
MultiAgentRandomEnv = make_multi_agent(RandomEnv)
RandomMultiAgentEnv = MultiAgentRandomEnv
