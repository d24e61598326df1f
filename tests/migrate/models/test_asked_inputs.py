"""Inputs that forward asks for by `input_dict.get(...)`."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import torch
from torch import nn
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.fc = nn.Linear(4, 8)
        self.pi = nn.Linear(8, num_outputs)
        self.vf = nn.Linear(8, 1)

    def forward(self, input_dict, state, seq_lens):
        READ
        self._h = torch.tanh(self.fc(x))
        return self.pi(self._h), state

    def value_function(self):
        return self.vf(self._h).squeeze(1)
"""
BOX = gym.spaces.Box(-1, 1, (4,), np.float32)
PARTS = gym.spaces.Dict({"mask": gym.spaces.Box(0, 1, (3,), np.int8), "place": BOX})
ACTIONS = gym.spaces.Discrete(3)


@pytest.mark.parametrize(
    ("read", "space"),
    [
        ('x = input_dict.get("obs")', BOX),
        ("x = input_dict.get(SampleBatch.OBS, None).float()", BOX),
        ('x = input_dict.get("obs")\n        x *= 2', BOX),
        ('x = input_dict.get("obs") + input_dict["obs"]', BOX),
        ('x = input_dict.get("obs")["place"]', PARTS),
        ('parts = input_dict.get("obs")\n        x = parts["place"] * parts["mask"].sum()', PARTS),
    ],
)
def test_the_observation_is_asked_for(migrate, read, space) -> None:
    done = migrate(MODEL.replace("READ", read))
    assert done.items["Policy"].outcome == "native"
    compare(done.old("model.py").Policy, done.new("model.py").Policy, space, ACTIONS)


@pytest.mark.parametrize(
    "read", ['x = input_dict.get("obs", torch.zeros(1, 4))', "x = input_dict.get(self.key)"]
)
def test_what_may_be_something_else_is_bridged(migrate, read) -> None:
    item = migrate(MODEL.replace("READ", read)).items["Policy"]
    assert "hands its whole input (input_dict) on" in item.message
