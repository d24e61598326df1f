"""Cases of the rule: loops that step environments."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case

LOOPS = (
    Case(
        "loop_over_an_environment_that_gymnasium_makes",
        """
import gym
from ray.rllib.algorithms.ppo import PPOConfig

env = gym.make("CartPole-v1")
config = PPOConfig().environment("CartPole-v1")


def play(act):
    state = env.reset()
    total, done = 0, False
    while not done:
        state, reward, done, info = env.step(act(state))  # one step
        total += reward
    env.step(0)
    first = act(env.reset())
    _, _, _, _ = env.step(first)
    return total
""",
        """
import gymnasium as gym
from ray.rllib.algorithms.ppo import PPOConfig

env = gym.make("CartPole-v1")
config = PPOConfig().environment("CartPole-v1")


def play(act):
    state, _ = env.reset()
    total, done = 0, False
    while not done:
        state, reward, terminated, truncated, info = env.step(act(state))  # one step
        done = terminated or truncated
        total += reward
    env.step(0)
    first = act(env.reset()[0])
    _, _, _, _, _ = env.step(first)
    return total
""",
    ),
    Case(
        "loop_over_an_environment_of_another_file",
        """
import ray.rllib
from walk import Meet


class Player:
    def __init__(self):
        self.env = Meet({})

    def play(self, act):
        obs = self.env.reset()
        while True:
            obs, rewards, dones, infos = self.env.step(act(obs))
            if dones["__all__"]:
                break
""",
        """
import ray.rllib
from walk import Meet


class Player:
    def __init__(self):
        self.env = Meet({})

    def play(self, act):
        obs, _ = self.env.reset()
        while True:
            obs, rewards, terminated, truncated, infos = self.env.step(act(obs))
            dones = {key: end or truncated.get(key, False) for key, end in terminated.items()}
            if dones["__all__"]:
                break
""",
        other_files={
            "walk.py": """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Meet(MultiAgentEnv):
    def reset(self):
        return {}

    def step(self, actions):
        return {}, {}, {"__all__": True}, {}
"""
        },
    ),
    Case(
        "result_of_a_step_that_is_kept_whole",
        """
import gym
import ray.rllib


class Walk(gym.Env):
    def reset(self):
        return 0

    def step(self, action):
        return 0, 1.0, True, {}


walk = Walk()
result = walk.step(0)
""",
        """
import gym
import ray.rllib


class Walk(gym.Env):
    # TODO(rlmigrate RLM702): for gymnasium: with the rest of the file, where step() returns
    #     (observation, reward, terminated, truncated, info): unpack five values
    def reset(self):
        return 0

    # TODO(rlmigrate RLM702): for gymnasium: with the rest of the file, where step() returns
    #     (observation, reward, terminated, truncated, info): unpack five values
    def step(self, action):
        return 0, 1.0, True, {}


walk = Walk()
# TODO(rlmigrate RLM702): for gymnasium: step() returns (observation, reward, terminated,
#     truncated, info): unpack five values
result = walk.step(0)
""",
    ),
    Case(
        "environment_of_an_environment_of_the_repository",
        """
import gym
import ray.rllib


class Base(gym.Env):
    pass


class Walk(Base):
    def reset(self):
        return 0

    def step(self, action):
        return 0, 1.0, True, {}


walk = Walk()
state = walk.reset()
""",
        """
import gymnasium as gym
import ray.rllib


class Base(gym.Env):
    pass


class Walk(Base):
    def reset(self, *, seed=None, options=None):
        return 0, {}

    def step(self, action):
        return 0, 1.0, True, False, {}


walk = Walk()
state, _ = walk.reset()
""",
    ),
    Case(
        "environment_with_the_methods_of_another_class",
        """
import gym
import ray.rllib


class Maze:
    def reset(self):
        return 0

    def step(self, action):
        return 0, 1.0, True, {}


class Walk(Maze, gym.Env):
    pass


walk = Walk()
state = walk.reset()
""",
        """
import gymnasium as gym
import ray.rllib


class Maze:
    def reset(self):
        return 0

    def step(self, action):
        return 0, 1.0, True, {}


# TODO(rlmigrate RLM702): for gymnasium: reset() and step() are those of Maze, which is no
#     environment itself: return (observation, infos) and (observation, reward, terminated,
#     truncated, info) here
class Walk(Maze, gym.Env):
    pass


walk = Walk()
state = walk.reset()
""",
    ),
)
