"""Cases of the rule: environments and wrappers."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case
from rlmigrate.migrate.rules.cases.rlm702_loops import LOOPS

UNCHANGED = (
    Case(
        "environment_of_gymnasium",
        """
import gymnasium as gym
import ray.rllib


class Walk(gym.Env):
    def reset(self, *, seed=None, options=None):
        return 0, {}

    def step(self, action):
        return 0, 1.0, True, False, {}
""",
    ),
    Case(
        "other_methods_of_these_names",
        """
import ray.rllib


class Counter:
    def reset(self):
        return 0

    def step(self, action):
        return 0, 1.0, True, {}
""",
    ),
    Case(
        "other_things_of_gym",
        """
import gym
import ray.rllib

env = gym.make("Mine-v1")
obs = env.reset()
other = gym.make("CartPole-v1")
other.seed(3)
obs = other.reset()
""",
    ),
)

CASES = (
    Case(
        "part_of_gym_beside_gym",
        """
import gym
import gym.wrappers
import ray.rllib

print(gym.spaces.Box)
""",
        """
import gymnasium as gym
import ray.rllib

print(gym.spaces.Box)
""",
    ),
    Case(
        "gym_environment",
        """
import gym
from gym.spaces import Box, Discrete
from ray.rllib.algorithms.ppo import PPOConfig


class Walk(gym.Env):
    action_space = Discrete(2)

    def __init__(self, config):
        self.observation_space = Box(-1, 1, (2,))

    def reset(self):
        super().reset()
        return self.observation_space.sample()

    def step(self, action):
        if action:
            return self.observation_space.sample(), 0.0, True, {}
        return self.observation_space.sample(), 1.0, False, {}


config = PPOConfig().environment(Walk)
""",
        """
import gymnasium as gym
from gymnasium.spaces import Box, Discrete
from ray.rllib.algorithms.ppo import PPOConfig


class Walk(gym.Env):
    action_space = Discrete(2)

    def __init__(self, config):
        self.observation_space = Box(-1, 1, (2,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        if action:
            return self.observation_space.sample(), 0.0, True, False, {}
        return self.observation_space.sample(), 1.0, False, False, {}


config = PPOConfig().environment(Walk)
""",
    ),
    Case(
        "annotated",
        """
from typing import Tuple

import gym
import numpy as np
import ray.rllib


class Walk(gym.Env):
    def reset(self) -> np.ndarray:
        return np.zeros(2)

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, dict]:
        return np.zeros(2), 0.0, True, {}


class Far(gym.Wrapper):
    def reset(self) -> "np.ndarray":
        obs = self.env.reset()
        return 2 * obs
""",
        """
from typing import Tuple

import gymnasium as gym
import numpy as np
import ray.rllib


class Walk(gym.Env):
    def reset(self, *, seed=None, options=None) -> Tuple[np.ndarray, dict]:
        return np.zeros(2), {}

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, bool, dict]:
        return np.zeros(2), 0.0, True, False, {}


class Far(gym.Wrapper):
    def reset(self, *, seed=None, options=None) -> Tuple["np.ndarray", dict]:
        obs, infos = self.env.reset(seed=seed, options=options)
        return 2 * obs, infos
""",
    ),
    Case(
        "environment_of_many_agents",
        """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Meet(MultiAgentEnv):
    def reset(self):
        self.at = {"a": 0, "b": 1}
        return self.at

    def step(self, actions):
        done = {"__all__": True}
        return self.at, {"a": 0.0, "b": 0.0}, done, {}
""",
        """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Meet(MultiAgentEnv):
    def reset(self, *, seed=None, options=None):
        self.at = {"a": 0, "b": 1}
        return self.at, {}

    def step(self, actions):
        done = {"__all__": True}
        return self.at, {"a": 0.0, "b": 0.0}, done, {"__all__": False}, {}
""",
    ),
    Case(
        "environment_around_another",
        """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Around(MultiAgentEnv):
    def reset(self):
        return self.env.reset()
""",
        """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Around(MultiAgentEnv):
    # TODO(rlmigrate RLM702): for gymnasium: return (observation, infos): the other
    #     environment's reset() gives both if it is gymnasium's, and an observation alone if it
    #     still has gym's interface
    def reset(self):
        return self.env.reset()
""",
    ),
    Case(
        "wrapper",
        """
import gym
import ray.rllib


class Twice(gym.Wrapper):
    def reset(self):
        obs = self.env.reset()
        return 2 * obs

    def step(self, action):
        obs, reward, done, info = self.env.step(action)
        return 2 * obs, reward, done, info


class Logged(gym.Wrapper):
    def reset(self, **kwargs):
        print("reset")
        return self.env.reset(**kwargs)
""",
        """
import gymnasium as gym
import ray.rllib


class Twice(gym.Wrapper):
    def reset(self, *, seed=None, options=None):
        obs, infos = self.env.reset(seed=seed, options=options)
        return 2 * obs, infos

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        return 2 * obs, reward, terminated, truncated, info


class Logged(gym.Wrapper):
    def reset(self, **kwargs):
        print("reset")
        return self.env.reset(**kwargs)
""",
    ),
    Case(
        "wrapper_that_asks_whether_it_is_done",
        """
import gym
import ray.rllib


class Counted(gym.Wrapper):
    def reset(self):
        self.env.reset()
        self.last = self.env.reset()
        return self.last

    def step(self, action):
        done = False
        while not done:
            obs, reward, done, info = self.env.step(action)
        if done and self.last:
            print("done")
        return obs, reward, done, info
""",
        """
import gymnasium as gym
import ray.rllib


class Counted(gym.Wrapper):
    def reset(self, *, seed=None, options=None):
        self.env.reset(seed=seed, options=options)
        self.last, infos = self.env.reset(seed=seed, options=options)
        return self.last, infos

    def step(self, action):
        done = False
        while not done:
            obs, reward, terminated, truncated, info = self.env.step(action)
            done = terminated or truncated
        if done and self.last:
            print("done")
        return obs, reward, terminated, truncated, info
""",
    ),
    Case(
        "wrapper_that_decides_when_it_is_done",
        """
import gym
import ray.rllib


class Counted(gym.Wrapper):
    def step(self, action):
        obs, reward, done, info = self.env.step(action)
        if reward > 3:
            done = True
        return obs, reward, done, info
""",
        """
import gym
import ray.rllib


# TODO(rlmigrate RLM702): for gymnasium: reset() of the wrapped environment returns
#     (observation, infos) and its step() five values: unpack them, and return as many
class Counted(gym.Wrapper):
    def step(self, action):
        obs, reward, done, info = self.env.step(action)
        if reward > 3:
            done = True
        return obs, reward, done, info
""",
    ),
    *LOOPS,
)
