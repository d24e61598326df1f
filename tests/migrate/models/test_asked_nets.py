"""Values that forward asks a net of RLlib for, which old models keep for value_function."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import torch
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
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
        CALL
        self._value = self.net.value_function()
        return out, state

    def value_function(self):
        return self._value
"""
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)
GIVEN = ['{"obs": x}', '{"obs": x * 2}', "input_dict, state, seq_lens"]


@pytest.mark.parametrize(
    "calls",
    [
        "out = x",
        "if self.training:\n            out, _ = self.net({'obs': x})",
        "out = torch.stack([self.net({'obs': x})[0] for _ in range(2)]).sum(0)",
        "out = torch.stack([self.net({'obs': y})[0] for y in (x, x * 2)]).sum(0)",
    ],
)
def test_what_may_be_of_another_call_stays_with_the_old_model(migrate, calls) -> None:
    assert migrate(MODEL.replace("CALL", calls)).items["Policy"].outcome == "bridged"


def test_inputs_of_calls_in_a_comprehension_are_not_known_behind_it(migrate) -> None:
    call = "out = torch.stack([self.net({'obs': y})[0] for y in (x, x * 2)]).sum(0)"
    code = MODEL.replace("CALL", call)
    code = code.replace("        self._value = self.net.value_function()\n", "")
    code = code.replace("return self._value", "return self.net.value_function()")
    assert "computes in place" in migrate(code).items["Policy"].message


def test_what_changes_behind_the_call_is_kept_before(migrate) -> None:
    done = migrate(MODEL.replace("CALL", "out, _ = self.net({'obs': x}); x = x * 2"))
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, ACTIONS)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("given", GIVEN)
def test_values_are_those_of_what_the_net_was_given(migrate, given, share) -> None:
    done = migrate(MODEL.replace("CALL", f"out, _ = self.net({given})"))
    assert done.items["Policy"].outcome == "native"
    old, new = done.old("model.py").Policy, done.new("model.py").Policy
    compare(old, new, OBS, ACTIONS, vf_share_layers=share)
    both = MODEL.replace("return self._value\n", "return self._value + self.net.value_function()\n")
    done = migrate(both.replace("CALL", f"out, _ = self.net({given})"))
    assert done.items["Policy"].outcome == "native"
    old, new = done.old("model.py").Policy, done.new("model.py").Policy
    compare(old, new, OBS, ACTIONS, vf_share_layers=share)
