"""Models on the base of a Q-algorithm: which protocol the bridge is told to speak."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.compat.parity import Status, check_parity

pytest.importorskip("ray.rllib")

MODEL = """from gymnasium.spaces import Box
from ray.rllib.algorithms.dqn.{module} import {base}
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork as TorchFC
import torch


class Policy({base}):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, **kw):
        {base}.__init__(self, obs_space, action_space, num_outputs, model_config, name, **kw)
        self.embed = TorchFC(Box(-1, 1, (4,)), action_space, 2, model_config, name + "_embed")

    def forward(self, input_dict, state, seq_lens):
        embedded, _ = self.embed({{"obs": input_dict["obs"]["cart"]}})
        logits = torch.sum(input_dict["obs"]["choices"] * embedded.unsqueeze(1), dim=2)
        return logits + torch.clamp(torch.log(input_dict["obs"]["action_mask"]), -1e10), state

    def value_function(self):
        return self.embed.value_function()
"""
DQN_MODEL = MODEL.format(module="dqn_torch_model", base="DQNTorchModel")
POLICY_ROLE = 'wrap_model(LegacyPolicy, name="Policy", role="policy")'
OWN_ROLE = 'wrap_model(LegacyPolicy, name="Policy")'


@pytest.mark.parametrize(
    ("train", "written"),
    [
        ('tune.run("PPO", config=c)\ntune.run("DQN", config=c)', OWN_ROLE),
        ('tune.run("SAC", config=c)', OWN_ROLE),
        ('run("PPO")', POLICY_ROLE),
        ("from ray.rllib.agents.ppo import PPOTrainer\n", POLICY_ROLE),
        ('parser.add_argument("--run", default="PPO")\nif run == "DQN":\n    pass', POLICY_ROLE),
        ('name = "IMPALA"', POLICY_ROLE),
    ],
)
def test_role(migrate, train, written) -> None:
    done = migrate({"model.py": DQN_MODEL, "train.py": "from model import Policy\n" + train})
    assert written in done.text("model.py")
    assert "carries the heads of DQN" in done.items["Policy"].message


@pytest.mark.parametrize(
    "train",
    [
        "",
        "from model import Policy\nfrom ray.rllib.algorithms.dqn import DQNConfig\n",
        'import ray.rllib\ntune.run("PPO")',  # does not know the class
    ],
)
def test_native_where_no_other_algorithm_trains_it(migrate, train) -> None:
    done = migrate({"model.py": DQN_MODEL, "train.py": train})
    assert done.items["Policy"].outcome == "native"
    assert "class Policy(QModule):" in done.text("model.py")


def test_policy_on_dqns_base_computes_the_same(migrate) -> None:
    done = migrate({"model.py": DQN_MODEL + '\nALGORITHM = "PPO"\n'})
    cart = gym.spaces.Box(-1, 1, (4,), np.float32)
    report = check_parity(
        done.old("model.py").Policy,
        done.new("model.py").Policy,
        observation_space=gym.spaces.Dict(
            {
                "action_mask": gym.spaces.Box(0, 1, (3,), np.float32),
                "cart": cart,
                "choices": gym.spaces.Box(-1, 1, (3, 2), np.float32),
            }
        ),
        action_space=gym.spaces.Discrete(3),
    )
    assert report.status is Status.PASS, report
