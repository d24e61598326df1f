"""Columns that view requirements ask for reach a wrapped model as the old stack fed them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.view_requirement import ViewRequirement
from torch import nn

from rlmigrate import wrap_model
from rlmigrate.compat.wrap.on_ray.views import ViewColumns
from rlmigrate.compat.wrap.views import shifts_of
from rlmigrate.errors import ModuleError

sp = gym.spaces


class Counting(gym.Env):
    """Shows the step as observation; rewards are ten times the step."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.observation_space = sp.Box(-100, 100, (1,), np.float32)
        self.action_space = config["actions"]
        self.step_number = 0

    def reset(self, *, seed=None, options=None):
        self.step_number = 1
        return np.array([1], np.float32), {}

    def step(self, action):
        self.step_number += 1
        done = self.step_number > 7
        return np.array([self.step_number], np.float32), 10.0 * self.step_number, done, False, {}


class Recorder(TorchModelV2, nn.Module):
    """Keeps what it is given."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.head = nn.Linear(1, num_outputs)
        self.view_requirements |= {
            "prev_n_obs": ViewRequirement("obs", shift="-2:0", space=obs_space),
            "prev_actions": ViewRequirement("actions", shift=-1, space=action_space),
            "last_rewards": ViewRequirement("rewards", shift=[-2, -1]),
            "new_obs": ViewRequirement(
                "obs", shift=1, space=obs_space, used_for_compute_actions=False
            ),
        }
        self.seen = []

    def forward(self, input_dict, state, seq_lens):
        columns = ("obs", "prev_n_obs", "prev_actions", "last_rewards", "new_obs")
        self.seen.append({c: input_dict[c] for c in columns if c in input_dict})
        return self.head(input_dict["obs"]), state

    def value_function(self):
        return self.seen[-1]["obs"][:, 0] * self.head.weight.sum()


def config_for(model: type, actions: gym.Space[Any], model_config: dict[str, Any]) -> Any:
    spec = RLModuleSpec(module_class=wrap_model(model, stack="ray"), model_config=model_config)
    return (
        PPOConfig()
        .environment(Counting, env_config={"actions": actions})
        .rl_module(rl_module_spec=spec)
        .training(train_batch_size=20, minibatch_size=20, num_epochs=1)
        .learners(learner_connector=lambda *_, **__: ViewColumns(as_learner_connector=True))
        .env_runners(
            num_env_runners=0,
            rollout_fragment_length=20,
            env_to_module_connector=lambda *_, **__: ViewColumns(),
            episode_lookback_horizon=5,
        )
    )


ACTIONS = {
    "discrete": sp.Discrete(3),
    "tuple": sp.Tuple((sp.Discrete(2), sp.Box(-1, 1, (2,), np.float32))),
}


@pytest.mark.parametrize("actions", ACTIONS.values(), ids=ACTIONS)
def test_acting_and_learning_see_the_same_columns(actions):
    config = config_for(Recorder, actions, {})
    runner = SingleAgentEnvRunner(config=config)
    # Two calls: the second continues an episode that the first cut.
    episodes = [*runner.sample(num_timesteps=10), *runner.sample(num_timesteps=10)]
    seen = runner.module.legacy_model.seen
    assert all("new_obs" not in each for each in seen)
    for each in seen:
        step = int(each["obs"][0, 0])
        window = [[max(1, s)] for s in (step - 2, step - 1, step)]
        assert each["prev_n_obs"][0].tolist() == window
        rewards = [10.0 * s if s > 1 else 0.0 for s in (step - 1, step)]
        assert each["last_rewards"][0].tolist() == rewards

    space = (config.observation_space or runner.env.single_observation_space, actions)
    learner = config.build_learner(env=None, spaces={"__env__": space, "default_policy": space})
    learner.update(episodes=episodes)
    trained = learner.module["default_policy"].legacy_model.seen[-1]
    acted = {name: torch.cat([each[name] for each in seen]) for name in seen[0]}
    # PPO repeats the last observation of each episode once; the other rows have acted.
    real = trained["new_obs"][:, 0] > trained["obs"][:, 0]
    rows = {name: value[real] for name, value in trained.items()}
    key = lambda columns, i: tuple(columns["prev_n_obs"][i].flatten().tolist())  # noqa: E731
    by_window: dict[Any, list[Any]] = {}
    for i in range(len(acted["obs"])):
        by_window.setdefault(key(acted, i), []).append(acted["prev_actions"][i].tolist())
    for i in range(len(rows["obs"])):
        assert rows["prev_actions"][i].tolist() in by_window[key(rows, i)]
        assert rows["new_obs"][i] == rows["obs"][i] + 1


@pytest.mark.parametrize("kind", ["lstm", "attention"])
def test_rllibs_wrappers_get_previous_actions_and_rewards(kind):
    settings = {
        "lstm": {
            "use_lstm": True, "lstm_cell_size": 4,
            "lstm_use_prev_action": True, "lstm_use_prev_reward": True,
        },
        "attention": {
            "use_attention": True, "attention_dim": 4, "attention_head_dim": 2,
            "attention_num_heads": 1, "attention_num_transformer_units": 1,
            "attention_memory_inference": 3, "attention_memory_training": 3,
            "attention_use_n_prev_actions": 2, "attention_use_n_prev_rewards": 2,
        },
    }[kind]  # fmt: skip
    # Ray's LSTMWrapper fails on Discrete. In the attention net a Gaussian's log std may grow step
    # by step, through the previous action and the memory, until the action is infinite.
    actions = sp.Box(-1, 1, (2,), np.float32) if kind == "lstm" else sp.Discrete(3)
    config = config_for(FullyConnectedNetwork, actions, {**settings, "max_seq_len": 4})
    runner = SingleAgentEnvRunner(config=config)
    episodes = runner.sample(num_timesteps=20)
    space = (runner.env.single_observation_space, actions)
    learner = config.build_learner(env=None, spaces={"__env__": space, "default_policy": space})
    before = learner.get_state()["rl_module"]["default_policy"]
    before = tree.map_structure(np.copy, before)
    learner.update(episodes=episodes)
    after = learner.get_state()["rl_module"]["default_policy"]
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert any("_logits_branch" in name for name in changed)


def test_a_missing_column_is_named(build):
    module = build(
        wrap_model(FullyConnectedNetwork, stack="ray"),
        action_space=sp.Box(-1, 1, (2,), np.float32),
        model_config={"use_lstm": True, "lstm_use_prev_action": True},
    )
    state = {name: value[None] for name, value in module.get_initial_state().items()}
    with pytest.raises(ModuleError, match=r"reads 'prev_actions'.*ViewColumns"):
        module.forward_inference({"obs": torch.rand(1, 1, 4), "state_in": state})


@pytest.mark.parametrize(
    ("shift", "steps"),
    [
        (0, (0,)),
        (-1, (-1,)),
        ([-2, 0], (-2, 0)),
        ("-2:0", (-2, -1, 0)),
        ("0:3", (0, 1, 2, 3)),
        ("-4:0:2", (-4, -2, 0)),
    ],
)
def test_shifts(shift, steps):
    assert shifts_of(shift) == steps
