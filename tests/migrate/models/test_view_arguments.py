"""ViewRequirements with arguments of earlier Rays, or that no connector serves."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")

MODEL = """import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch
from ray.rllib.policy.view_requirement import ViewRequirement
from torch import nn

NAMES = ["prev_n_rewards"]


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.view_requirements["prev_n_rewards"] = ViewRequirement(ARGUMENTS)
        self.pi = nn.Linear(obs_space.shape[0] + 3, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        seen = [input_dict["obs"].float(), input_dict["prev_n_rewards"].float()]
        return self.pi(torch.cat(seen, dim=1)), state
"""
TODAY = ['"rewards", shift="-3:-1"', 'shift="-3:-1", data_col=SampleBatch.REWARDS']
REPEATS = [
    f"{TODAY[0]}, batch_repeat_value=1",
    f"batch_repeat_value=1, {TODAY[1]}",
    'data_col="rewards", batch_repeat_value=1, shift="-3:-1"',
]
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)


@pytest.mark.parametrize("arguments", [*TODAY, *REPEATS])
def test_repeat_of_one_asks_for_nothing(migrate, equal, arguments) -> None:
    done = migrate(MODEL.replace("ARGUMENTS", arguments))
    assert done.items["Policy"].outcome == "native"
    assert "batch_repeat_value" not in done.text("model.py")
    old, new = done.old("model.py").Policy, done.new("model.py").Policy
    equal(old, new, OBS, gym.spaces.Discrete(3))


@pytest.mark.parametrize("arguments", [*TODAY, *REPEATS])
def test_earlier_name_of_the_shift(migrate, arguments) -> None:
    now = migrate(MODEL.replace("ARGUMENTS", arguments)).text("model.py")
    before = MODEL.replace("ARGUMENTS", arguments.replace("shift", "data_rel_pos"))
    assert migrate(before).text("model.py") == now


@pytest.mark.parametrize(
    ("arguments", "key", "reason"),
    [
        (f"{TODAY[0]}, batch_repeat_value=20", "", "once in several steps (batch_repeat_value)"),
        (f"{TODAY[0]}, index=0", "", "asks for prev_n_rewards with index"),
        (TODAY[0], "NAMES[0]", "asks for a column whose name is computed"),
        ('"state_out_0", shift="-3:-1"', '"state_in_0"', "which an RLModule keeps in its state"),
    ],
)
def test_what_no_connector_serves_is_said(migrate, arguments, key, reason) -> None:
    text = MODEL.replace("ARGUMENTS", arguments)
    if key:
        text = text.replace('view_requirements["prev_n_rewards"]', f"view_requirements[{key}]")
    item = migrate(text).items["Policy"]
    assert item.outcome == "bridged"
    assert reason in item.message
