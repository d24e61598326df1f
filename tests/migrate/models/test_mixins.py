"""Models that inherit from a torch net of the repository, whose forward they call by its name."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Net(nn.Module):
    def __init__(self, size, outputs, width=8):
        super(Net, self).__init__()
        self.body = nn.Linear(size, width)
        self.pi = nn.Linear(width, outputs)
        self.vf = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.tanh(self.body(x))
        return self.pi(x), self.vf(x)


class Policy(TorchModelV2, Net):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        Net.__init__(self, 4, num_outputs, width=model_config["custom_model_config"]["width"])
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, {}, "net")
        self._value = None

    def forward(self, input_dict, state, seq_lens):
        out, self._value = Net.forward(self, input_dict["obs"])
        return out, state

    def value_function(self):
        return self._value.squeeze(1)
"""
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Net.forward(self, ", "super(TorchModelV2, self).forward(", "inherits forward from Net"),
        ("return self.pi(x)", "return self.forward.pi(x)", "inherits forward from Net"),
        ("self.body(x))", "self(x))", "inherits forward from Net"),
        ("(nn.Module)", "(nn.Sequential)", "inherits forward from Net"),
        ("(TorchModelV2, Net)", "(Net, TorchModelV2)", "whose constructor a module would run"),
        ("self.body", "self.catalog", "which sets self.catalog, which RLModule keeps"),
        ("squeeze(1)", "squeeze(self.model_config['a'])", "another model_config than it was"),
        (', {}, "net")', ', {"a": 1}, "net")', "another model_config than it was given"),
    ],
)
def test_what_speaks_against_it(migrate, old, new, reason) -> None:
    assert old in MODEL
    item = migrate(MODEL.replace(old, new)).items["Policy"]
    assert item.outcome == "bridged"
    assert reason in item.message


def test_the_net_stays_a_base(migrate) -> None:
    done = migrate(MODEL)
    assert done.items["Policy"].outcome == "native"
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, ACTIONS, {"width": 6})
    assert "class Policy(TorchRLModule, ValueFunctionAPI, Net):" in done.text("model.py")
    assert "Net.forward(self, obs)" in done.text("model.py")
