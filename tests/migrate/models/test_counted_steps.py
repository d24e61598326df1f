"""Recurrent models that reckon with the number of steps see no more of them than before."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import torch
from torch import nn
from ray.rllib.models.torch.recurrent_net import RecurrentNetwork


class Policy(RecurrentNetwork, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.fc = nn.Linear(4, 8)
        self.pi = nn.Linear(8, num_outputs)
        self.vf = nn.Linear(8, 1)

    def get_initial_state(self):
        return [torch.zeros(8)]

    def forward_rnn(self, inputs, state, seq_lens):
        x = self.fc(inputs)
        STEPS
        self._h = x
        return self.pi(x), [state[0]]

    def value_function(self):
        return self.vf(self._h).reshape(-1)
"""
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        ("x = x / inputs.shape[1]", True),
        ("steps = inputs.size(1)\n        x = x + steps * 0.1", True),
        ("rows, steps, width = inputs.shape\n        x = x * torch.tensor(float(steps))", True),
        ("if inputs.shape[1] > 3:\n            x = x * 2", True),
        ("x = x / inputs.shape[-1]", False),
        ("rows, steps, width = inputs.shape\n        x = x.reshape(rows, steps, 8)", False),
        ("x = x.reshape(inputs.shape[0] * inputs.shape[1], 8).view(-1, inputs.shape[1], 8)", False),
    ],
)
def test_the_number_of_steps(migrate, steps, counts) -> None:
    done = migrate(MODEL.replace("STEPS", steps))
    assert done.items["Policy"].outcome == "native"
    cuts = (done.after / "rlmigrate_layers.py").read_text()
    assert ("def cut_padding" in cuts) is counts
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, gym.spaces.Discrete(3))
