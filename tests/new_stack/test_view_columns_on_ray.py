"""ViewColumns of the layers gives Ray's modules what the old stack gave models."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

from rlmigrate.new_stack.layers import ViewColumns, ViewRequirement

sp = gym.spaces


class Counting(gym.Env):
    """Shows the step as observation; rewards are ten times the step."""

    observation_space = sp.Dict({"step": sp.Box(0, 9, (1,), np.float32), "parity": sp.Discrete(2)})
    action_space = sp.Discrete(3)

    def __init__(self, config: Any = None) -> None:
        self.step_number = 0

    def _obs(self) -> Any:
        return {"step": np.array([self.step_number], np.float32), "parity": self.step_number % 2}

    def reset(self, *, seed=None, options=None):
        self.step_number = 1
        return self._obs(), {}

    def step(self, action):
        self.step_number += 1
        done = self.step_number > 6
        return self._obs(), 10.0 * self.step_number, done, False, {"action": action}


SEEN: list[dict[str, torch.Tensor]] = []


class Recorder(TorchRLModule, ValueFunctionAPI):
    def setup(self):
        self.view_requirements = {
            "prev_n_obs": ViewRequirement("obs", shift="-2:0"),
            "prev_actions": ViewRequirement("actions", shift=-1),
            "last_rewards": ViewRequirement("rewards", shift=[-2, -1]),
            "new_obs": ViewRequirement("obs", shift=1, used_for_compute_actions=False),
        }
        self.head = torch.nn.Linear(1, 3)

    def _forward(self, batch, **kwargs):
        SEEN.append(dict(batch))
        return {Columns.ACTION_DIST_INPUTS: self.head(batch[Columns.OBS]["step"])}

    def compute_values(self, batch, embeddings=None):
        return self.head(batch[Columns.OBS]["step"])[..., 0]


def row(step: int) -> list[float]:
    """An observation as the old preprocessor flattened it; the keys of a Dict are sorted."""
    return [float(step % 2 == 0), float(step % 2 == 1), float(step)]


def check(columns: dict[str, torch.Tensor], i: int) -> None:
    step = int(columns["obs"]["step"][i, 0])
    window = [row(max(1, at)) for at in (step - 2, step - 1, step)]
    assert columns["prev_n_obs"][i].tolist() == window
    rewards = [10.0 * s if s > 1 else 0.0 for s in (step - 1, step)]
    assert columns["last_rewards"][i].tolist() == rewards


def test_acting_and_learning_see_the_same_columns() -> None:
    SEEN.clear()
    config = (
        PPOConfig()
        .environment(Counting)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=Recorder))
        .training(train_batch_size=20, minibatch_size=20, num_epochs=1)
        .learners(learner_connector=lambda *_, **__: ViewColumns(as_learner_connector=True))
        .env_runners(
            num_env_runners=0,
            rollout_fragment_length=20,
            env_to_module_connector=lambda *_, **__: ViewColumns(),
            episode_lookback_horizon=3,
        )
    )
    runner = SingleAgentEnvRunner(config=config)
    # Two calls: the second continues an episode that the first cut.
    episodes = [*runner.sample(num_timesteps=10), *runner.sample(num_timesteps=10)]
    acted = list(SEEN)
    assert len(acted) >= 20
    for each in acted:
        assert "new_obs" not in each
        check(each, 0)
    actions = {}
    for before, after in itertools.pairwise(acted):
        step = int(after["obs"]["step"][0, 0])
        if step > 1:
            assert step == int(before["obs"]["step"][0, 0]) + 1
        else:
            assert int(after["prev_actions"][0]) == 0
        actions.setdefault(step, set()).add(int(after["prev_actions"][0]))

    space = (Counting.observation_space, Counting.action_space)
    learner = config.build_learner(env=None, spaces={"__env__": space, "default_policy": space})
    learner.update(episodes=episodes)
    trained = SEEN[-1]
    real = (trained["new_obs"][:, -1] == trained["obs"]["step"][:, 0] + 1).nonzero()[:, 0]
    assert len(real) >= 18  # PPO repeats the last observation of each episode once
    for i in real.tolist():
        check(trained, i)
        assert int(trained["prev_actions"][i]) in actions[int(trained["obs"]["step"][i, 0])]


@pytest.mark.parametrize(
    ("shift", "steps"),
    [
        (0, (0,)),
        (-1, (-1,)),
        ("-3:0", (-3, -2, -1, 0)),
        ("-4:0:2", (-4, -2, 0)),
        ([-2, 1], (-2, 1)),
    ],
)
def test_shifts_are_rays(shift, steps) -> None:
    from ray.rllib.policy.view_requirement import ViewRequirement as Old

    assert ViewRequirement("obs", shift=shift).shifts == steps
    assert tuple(Old("obs", shift=shift).shift_arr) == steps


def test_before_the_start_the_first_observation_stands_as_in_rays_old_collector() -> None:
    from ray.rllib.evaluation.collectors.agent_collector import AgentCollector
    from ray.rllib.policy.view_requirement import ViewRequirement as Old

    box = sp.Box(-9, 9, (1,), np.float32)
    collector = AgentCollector(
        {
            "obs": Old(space=box),
            "actions": Old(space=sp.Discrete(3), used_for_compute_actions=False),
            "rewards": Old(),
            "prev_n_obs": Old("obs", shift="-2:0", space=box),
            "prev_actions": Old("actions", shift=-1, space=sp.Discrete(3)),
            "last_rewards": Old("rewards", shift=[-2, -1]),
        },
        max_seq_len=20,
        is_policy_recurrent=False,
    )
    collector.add_init_obs(0, 0, 0, np.array([5.0], np.float32))
    seen = collector.build_for_inference()
    assert seen["prev_n_obs"].tolist() == [[[5.0], [5.0], [5.0]]]
    assert seen["prev_actions"].tolist() == [0]
    assert seen["last_rewards"].tolist() == [[0.0, 0.0]]
