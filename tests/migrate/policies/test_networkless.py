"""Policies without a network that are given more than observations, against the originals."""

from __future__ import annotations

import random
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.models.catalog import ModelCatalog

HEAD = """import random

import numpy as np
from ray.rllib.models.modelv2 import restore_original_dimensions
from ray.rllib.policy.policy import Policy


"""
#: Takes part in a game by a mask in its observation; hands on the states that it is given.
MASKED = '''class Mine(Policy):
    """Plays what is allowed."""

    def __init__(self, observation_space, action_space, config):
        super().__init__(observation_space, action_space, config)
        self.start = np.prod(observation_space.original_space["mask"].shape).item()
        self.passing = action_space.n - 1
        self.played = []

    def compute_actions(self, obs_batch, state_batches, info_batch=None, episodes=None, **kwargs):
        actions = []
        for obs in obs_batch:
            mask, board = obs[: self.start], obs[self.start :]
            allowed = [i for i in range(self.passing) if mask[i]]
            actions.append(random.choice(allowed) if board.sum() > 1 else self.passing)
        self.played.append(len(actions))
        return np.array(actions), state_batches, {}

    def compute_single_action(self, obs, state=None, **kwargs):
        return self.passing, [], {}

    def learn_on_batch(self, samples):
        pass
'''
NESTED = """class Mine(Policy):
    def compute_actions(self, obs_batch, state_batches=None, **kwargs):
        obs_batch = restore_original_dimensions(
            np.array(obs_batch, dtype=np.float32), self.observation_space, tensorlib=np
        )
        def highest(row):
            return int(row.argmax())

        best = [highest(row) % 4 for row in obs_batch["board"]]
        kinds = [int(row.argmax()) for row in obs_batch["kind"]]
        return np.array([(b + k) % 4 for b, k in zip(best, kinds)]), [], {}
"""
TOLD = '''class Mine(Policy):
    """Repeats itself while it is paid, and follows the environment's advice otherwise."""

    def compute_actions(
        self,
        obs_batch,
        state_batches=None,
        prev_action_batch=None,
        prev_reward_batch=None,
        info_batch=None,
        **kwargs,
    ):
        actions = []
        for last, paid, info in zip(prev_action_batch, prev_reward_batch, info_batch):
            actions.append(int(last) if paid > 0 else info.get("advice", 0))
        return np.array(actions), [], {}
'''
BOARD = gym.spaces.Dict(
    {
        "board": gym.spaces.Box(0, 1, (2, 3), np.float32),
        "kind": gym.spaces.Discrete(3),
        "mask": gym.spaces.Box(0, 1, (3,), np.float32),
    }
)
MASKS = gym.spaces.Dict(
    {
        "mask": gym.spaces.Box(0, 1, (3,), np.float32),
        "z_board": gym.spaces.Box(0, 1, (2, 2), np.float32),
    }
)
ACTIONS = gym.spaces.Discrete(4)


def both(done: Any, space: gym.Space[Any], rows: int) -> tuple[Any, Any]:
    """Actions of the old policy on what the preprocessor gave, and of the module on the rows."""
    preprocessor = ModelCatalog.get_preprocessor_for_space(space)
    old = done.old().Mine(preprocessor.observation_space, ACTIONS, {})
    new = RLModuleSpec(
        module_class=done.new().Mine, observation_space=space, action_space=ACTIONS
    ).build()
    space.seed(4)
    seen = [space.sample() for _ in range(rows)]
    for row in seen:
        row["mask"][0] = 1.0
    random.seed(7)
    expected, states, _ = old.compute_actions(
        np.stack([preprocessor.transform(row) for row in seen]), []
    )
    assert states == []
    random.seed(7)
    obs = {k: torch.as_tensor(np.stack([row[k] for row in seen])) for k in seen[0]}
    return expected, new.forward_exploration({"obs": obs})


@pytest.mark.parametrize("rows", [1, 6])
def test_masks_and_states_handed_on(migrate, rows):
    done = migrate(HEAD + MASKED)
    assert done.items["Mine"].outcome == "native", done.items["Mine"].message
    expected, outs = both(done, MASKS, rows)
    assert np.array_equal(outs["actions"], expected)
    assert "state_out" not in outs
    assert "    def compute_single_action(self, obs, state=None, **kwargs):" in done.text()


@pytest.mark.parametrize("rows", [1, 6])
def test_nested_observations_are_what_they_were(migrate, rows):
    done = migrate(HEAD + NESTED)
    assert done.items["Mine"].outcome == "native", done.items["Mine"].message
    expected, outs = both(done, BOARD, rows)
    assert np.array_equal(outs["actions"], expected)
    assert "old_observations" not in done.text()


class Advice(gym.Env[Any, Any]):
    """Pays every other step, and says in its infos what to do; keeps what was done."""

    observation_space = gym.spaces.Box(0, 1, (2,), np.float32)
    action_space = ACTIONS

    def __init__(self, config: Any = None) -> None:
        self.at = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        """Begin."""
        self.at = 0
        return np.zeros(2, np.float32), {"advice": 2}

    def step(self, action: Any) -> Any:
        """Go on."""
        self.at += 1
        obs = np.full(2, self.at, np.float32)
        return obs, float(self.at % 2), self.at == 6, False, {"advice": self.at % 4}


def test_infos_and_the_step_before(migrate):
    done = migrate(HEAD + TOLD)
    assert done.items["Mine"].outcome == "native", done.items["Mine"].message
    assert "PolicyInputs() gives it infos, prev_actions, prev_rewards" in done.items["Mine"].message
    layers = (done.after / "rlmigrate_layers.py").read_text()
    assert "class PolicyInputs(ConnectorV2)" in layers
    new = done.new()
    inputs = done.new("rlmigrate_layers.py").PolicyInputs
    config = (
        PPOConfig()
        .environment(Advice)
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=2,
            env_to_module_connector=lambda *_, **__: inputs(),
        )
        .rl_module(rl_module_spec=RLModuleSpec(module_class=new.Mine))
    )
    runner = SingleAgentEnvRunner(config=config)
    try:
        (episode, *_) = runner.sample(num_episodes=1, explore=True)
    finally:
        runner.stop()

    old = done.old().Mine(Advice.observation_space, ACTIONS, {})
    env, action, reward = Advice(), 0, 0.0
    obs, info = env.reset()
    for given in episode.get_actions():
        (action,), _, _ = old.compute_actions(
            np.array([obs]),
            [],
            prev_action_batch=np.array([action]),
            prev_reward_batch=np.array([reward]),
            info_batch=[info],
        )
        assert int(given) == int(action)
        obs, reward, _, _, info = env.step(action)


@pytest.mark.parametrize("text", [MASKED, NESTED, TOLD], ids=["masked", "nested", "told"])
def test_a_second_run_changes_nothing(migrate, text):
    after = migrate(HEAD + text).text()
    assert migrate(after).text() == after
