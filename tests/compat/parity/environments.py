"""Environments that both stacks drive in the tests of trajectories."""

from collections.abc import Callable
from functools import partial

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete


class Line(gym.Env):
    """Walk along a line; the action moves by up to 2, so it must be unsquashed."""

    def __init__(self):
        self.observation_space = Box(-1.0, 1.0, (3,))
        self.action_space = Box(-2.0, 2.0, (2,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = self.np_random.uniform(-1, 1, 3).astype(np.float32)
        self.steps = 0
        return self.at.copy(), {}

    def step(self, action):
        assert self.action_space.contains(np.asarray(action, np.float32)), action
        self.at[:2] = np.clip(self.at[:2] + 0.1 * np.asarray(action), -1, 1)
        self.at[2] = np.sin(self.at.sum())
        self.steps += 1
        return self.at.copy(), float(self.at.sum()), False, self.steps >= 30, {}


class Pushed(gym.ActionWrapper):
    """One of three pushes in place of a move along each axis."""

    def __init__(self, env):
        super().__init__(env)
        self.action_space = Discrete(3)

    def action(self, action):
        return np.full(2, action - 1.0)


class Picks(gym.Env):
    """Pick from five heaps; a forbidden pick is an error."""

    def __init__(self):
        self.observation_space = Dict(
            {"action_mask": Box(0.0, 1.0, (5,)), "observations": Box(-1.0, 1.0, (6,))}
        )
        self.action_space = Discrete(5)

    def _see(self):
        return {
            "action_mask": (self.stock > 0).astype(np.float32),
            "observations": self.np_random.uniform(-1, 1, 6).astype(np.float32),
        }

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.stock = self.np_random.integers(1, 4, 5)
        return self._see(), {}

    def step(self, action):
        assert self.stock[action] > 0
        self.stock[action] -= 1
        return self._see(), 1.0 / (1 + action), bool(self.stock.sum() <= 1), False, {}


class Hidden(gym.Wrapper):
    """CartPole without its velocities and with a dummy in their place: memory helps."""

    def __init__(self):
        super().__init__(gym.make("CartPole-v1"))
        self.observation_space = Box(-5.0, 5.0, (3,))
        self.action_space = Discrete(3)

    def reset(self, **kwargs):
        obs, info = self.env.reset(**kwargs)
        return self._cut(obs), info

    def step(self, action):
        obs, *rest = self.env.step(min(int(action), 1))
        return (self._cut(obs), *rest)

    def _cut(self, obs):
        return np.array([obs[0], obs[2], 1.0], dtype=np.float32)


class MaskedCart(gym.Wrapper):
    """CartPole without velocities; now and then one of the pushes is forbidden."""

    def __init__(self):
        super().__init__(gym.make("CartPole-v1"))
        self.observation_space = Dict(
            {"action_mask": Box(0.0, 1.0, (2,)), "observations": Box(-5.0, 5.0, (2,))}
        )

    def _see(self, obs):
        self.mask = np.ones(2, np.float32)
        if abs(obs[0] * 1e3) % 3 < 1:
            self.mask[int(obs[2] > 0)] = 0.0
        return {"action_mask": self.mask, "observations": obs[[0, 2]].astype(np.float32)}

    def reset(self, **kwargs):
        obs, info = self.env.reset(**kwargs)
        return self._see(obs), info

    def step(self, action):
        assert self.mask[action] == 1.0
        obs, *rest = self.env.step(action)
        return (self._see(obs), *rest)


class SideBySide(gym.Env):
    """An environment for each agent; the episode ends where the first of them ends."""

    def __init__(self, makers):
        self.envs = {agent: make() for agent, make in makers.items()}
        self.possible_agents = list(self.envs)
        self.observation_spaces = {a: env.observation_space for a, env in self.envs.items()}
        self.action_spaces = {a: env.action_space for a, env in self.envs.items()}

    def reset(self, *, seed=None, options=None):
        return {a: env.reset(seed=seed)[0] for a, env in self.envs.items()}, {}

    def step(self, actions):
        steps = {a: self.envs[a].step(action) for a, action in actions.items()}
        obs = {a: step[0] for a, step in steps.items()}
        rewards = {a: float(step[1]) for a, step in steps.items()}
        over = any(step[2] for step in steps.values())
        cut = any(step[3] for step in steps.values())
        return obs, rewards, {"__all__": over}, {"__all__": cut}, {}


#: By the name of the model that acts in it.
ON_LEGACY: dict[str, Callable[[], gym.Env]] = {"Gauss": Line, "Masked": Picks, "Recurrent": Hidden}
ON_RAY: dict[str, Callable[[], gym.Env]] = {
    "Cart": lambda: gym.make("CartPole-v1"),
    "Swing": lambda: gym.make("Pendulum-v1"),
    "Picks": Picks,
    "MaskedMemory": MaskedCart,
}
TWO_ON_LEGACY = partial(SideBySide, {"left": Line, "right": lambda: Pushed(Line())})
TWO_ON_RAY = partial(SideBySide, {"cart": ON_RAY["Cart"], "swing": ON_RAY["Swing"]})
