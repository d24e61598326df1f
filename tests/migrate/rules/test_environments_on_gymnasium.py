"""Rewritten environments, wrappers and loops do on gymnasium what they did on gym."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

OLD = """
import gym
from gym.spaces import Box, Discrete
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Walk(gym.Env):
    action_space = Discrete(2)
    observation_space = Box(0, 9, (1,), dtype="float32")

    def reset(self):
        super().reset()
        self.at = 0
        return self.observation()

    def observation(self):
        return 0 * self.observation_space.low + self.at

    def step(self, action):
        self.at += 1 + int(action)
        return self.observation(), float(self.at), self.at > 6, {"at": self.at}


class Twice(gym.Wrapper):
    def reset(self):
        self.ends = 0
        self.first = self.env.reset()
        return self.first

    def step(self, action):
        total, done = 0.0, False
        obs, reward, done, info = self.env.step(action)
        total += reward
        if not done:
            obs, reward, done, info = self.env.step(action)
            total += reward
        if done:
            self.ends += 1
        return obs, total, done, info


class Meet(MultiAgentEnv):
    def reset(self):
        self.left = 3
        return {"a": 0}

    def step(self, actions):
        self.left -= 1
        return {"a": self.left}, {"a": 1.0}, {"__all__": self.left == 0}, {}


def play():
    seen = []
    env = Walk()
    obs = env.reset()
    for action in (0, 1, 1, 0, 1):
        obs, reward, done, info = env.step(action)
        seen.append((float(obs[0]), reward, done, info["at"]))
        if done:
            seen.append(env.reset().tolist())
    twice = Twice(Walk())
    state = twice.reset()
    done = False
    while not done:
        state, reward, done, _ = twice.step(1)
        seen.append((state.tolist(), reward))
    seen.append(twice.ends)
    return seen


def meet():
    env = Meet()
    seen = [env.reset()]
    dones = {"__all__": False}
    while not dones["__all__"]:
        obs, rewards, dones, infos = env.step({"a": 0})
        seen.append((obs, rewards, dones["__all__"]))
    return seen
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_old_and_new_play_alike(becomes: Callable[..., str], ends: str) -> None:
    import gymnasium
    from gymnasium.utils.env_checker import check_env

    text = becomes(OLD.replace("\n", ends))
    assert "TODO" not in text
    assert text.count("\n") == text.count(ends)
    sides: list[dict[str, Any]] = []
    for code in (OLD, text):
        scope: dict[str, Any] = {}
        with pytest.MonkeyPatch.context() as patch:  # its classes do nothing that gym's did not
            patch.setitem(sys.modules, "gym", gymnasium)
            patch.setitem(sys.modules, "gym.spaces", gymnasium.spaces)
            exec(compile(code, "environments", "exec"), scope)
        sides.append(scope)
    old, new = sides
    assert old["play"]() == new["play"]()
    assert old["meet"]() == new["meet"]()
    check_env(new["Walk"](), skip_render_check=True)
