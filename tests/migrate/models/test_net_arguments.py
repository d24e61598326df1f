"""Ways to hand a net of RLlib its input."""

from __future__ import annotations

import re

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import torch
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch
from torch import nn


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.net = FullyConnectedNetwork(
            obs_space, action_space, num_outputs, model_config, name + "_net"
        )

    def forward(self, input_dict, state, seq_lens):
        x = input_dict["obs"].tanh()
        out, _ = self.net(INPUT)
        return out, state

    def value_function(self):
        return self.net.value_function()
"""
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)


@pytest.mark.parametrize(
    "given",
    [
        "other={'obs': x}",
        "SampleBatch(x)",
        "SampleBatch({'obs': x}, **state)",
        "dict(obs=x)",
        "state=state",
        "{'obs': x, **input_dict}",
        "input_dict={'obs': x}, state=[x]",
    ],
)
def test_what_is_not_an_input_alone_stays_with_the_old_model(migrate, given) -> None:
    assert migrate(MODEL.replace("INPUT", given)).items["Policy"].outcome == "bridged"


@pytest.mark.parametrize(
    "given",
    [
        "{'obs': x}",
        "{SampleBatch.OBS: x}, [], None",
        "input_dict={'obs': x}, state=state, seq_lens=seq_lens",
        "state=state, seq_lens=seq_lens, input_dict={'obs': x}",
        "input_dict=input_dict",
        "SampleBatch({SampleBatch.OBS: x})",
        "input_dict=SampleBatch({'obs': x}), state=[]",
        "SampleBatch(obs=x), state",
    ],
)
def test_what_is_one_is_given_alone(migrate, given) -> None:
    done = migrate(MODEL.replace("INPUT", given))
    assert done.items["Policy"].outcome == "native"
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, ACTIONS)
    text = done.text("model.py")
    assert not {"SampleBatch(", "SampleBatch."} & set(re.findall(r"SampleBatch\W", text))
    assert ("self.net(x)" in text) == ("x" in given)
