"""Both stacks drive the same environment the same way."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete

from rlmigrate.compat.parity import Status
from rlmigrate.compat.parity.trajectories import check_trajectories


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


class MaskedPicks(gym.Env):
    """Dict observation; a forbidden action is an error."""

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


class Two(gym.Env):
    """Two agents side by side, each in its own way."""

    possible_agents = ["left", "right"]

    def __init__(self):
        self.observation_spaces = dict.fromkeys(self.possible_agents, Box(-1.0, 1.0, (3,)))
        self.action_spaces = {"left": Box(-2.0, 2.0, (2,)), "right": Discrete(3)}
        self.envs = {"left": Line(), "right": Line()}

    def reset(self, *, seed=None, options=None):
        return {a: env.reset(seed=seed)[0] for a, env in self.envs.items()}, {}

    def step(self, actions):
        moves = {"left": actions["left"], "right": np.full(2, actions["right"] - 1.0)}
        steps = {a: env.step(moves[a]) for a, env in self.envs.items()}
        obs = {a: step[0] for a, step in steps.items()}
        rewards = {a: step[1] for a, step in steps.items()}
        over = steps["left"][3]
        return obs, rewards, {"__all__": False}, {"__all__": over}, {}


ENVS = {"Gauss": Line, "Masked": MaskedPicks, "Recurrent": Hidden}


@pytest.mark.parametrize("name", ENVS)
def test_plain_rewrite_takes_identical_actions(planted, name):
    old, new, _ = planted("nets", name)
    report = check_trajectories(old, new, ENVS[name], episodes=10, max_steps=60)
    assert report.status is Status.PASS, report.results[0].message
    result = report.results[0]
    assert result.cases.compared == 10
    assert all(output.max_abs == 0 for output in result.outputs.values())


@pytest.mark.parametrize("name", ENVS)
def test_wrapped_model_takes_identical_actions(planted, name):
    from rlmigrate import wrap_model

    old, _, _ = planted("nets", name)
    wrapped = wrap_model(old, stack="builtin")
    report = check_trajectories(old, wrapped, ENVS[name], episodes=10, max_steps=60)
    assert report.status is Status.PASS, report.results[0].message


def test_two_agents_take_identical_actions(planted):
    olds = {"left": planted("nets", "Gauss")[0], "right": planted("nets", "Recurrent")[0]}
    news = {"left": planted("nets", "Gauss")[1], "right": planted("nets", "Recurrent")[1]}
    report = check_trajectories(olds, news, Two, episodes=10)
    assert report.status is Status.PASS, report.results[0].message
    assert "right.actions" in report.results[0].outputs


def test_other_actions_are_found(planted):
    old, new, _ = planted("faulty", "SwappedHalves")
    report = check_trajectories(old, new, Line, episodes=3)
    assert report.status is Status.FAIL
    assert report.results[0].findings[0].path in ("actions", "observations", "rewards")


def test_other_filter_is_found(planted):
    old, new, _ = planted("nets", "Gauss")
    report = check_trajectories(old, new, Line, episodes=2, new_observe=lambda obs: obs * 0.5)
    assert report.status is Status.FAIL
