"""Columns beside the observation are fed to both sides, and count."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from rlmigrate.compat.parity import Status, check_parity
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.cases.columns import Column, with_columns
from rlmigrate.compat.parity.sides.columns import columns_of
from rlmigrate.legacy.batches.view_requirement import ViewRequirement
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.new_stack import Columns, TorchRLModule

BOX = gym.spaces.Box(-1, 1, (4,), np.float32)
DISCRETE = gym.spaces.Discrete(3)


class Old(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.view_requirements["window"] = ViewRequirement("obs", shift="-2:0", space=obs_space)
        self.pi = nn.Linear(12, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        out = self.pi(input_dict["window"].flatten(1))
        return out + input_dict["prev_actions"].float().unsqueeze(1), state


class New(TorchRLModule):
    def setup(self):
        self.pi = nn.Linear(12, 3)

    def _forward(self, batch, **kwargs):
        out = self.pi(batch["window"].flatten(1))
        out = out + batch["prev_actions"].float().unsqueeze(1)
        return {Columns.ACTION_DIST_INPUTS: out}


class Forgetful(New):
    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self.pi(batch["window"].flatten(1))}


@pytest.mark.parametrize(("new", "status"), [(New, Status.PASS), (Forgetful, Status.FAIL)])
def test_columns_count(new, status) -> None:
    report = check_parity(Old, new, observation_space=BOX, action_space=DISCRETE)
    assert report.status is status, report


def test_columns_of_a_model() -> None:
    model = Old(BOX, DISCRETE, 3, {}, "m")
    assert set(columns_of(model, (4,))) == {
        Column("prev_actions", (), actions=True),
        Column("window", (3, 4)),
    }


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (DISCRETE, (5, 2)),
        (gym.spaces.MultiDiscrete([2, 3]), (5, 2, 2)),
        (gym.spaces.Box(-1, 1, (3,), np.float32), (5, 2, 3)),
        (gym.spaces.Tuple([DISCRETE, gym.spaces.Box(-1, 1, (2,), np.float32)]), (5, 2, 3)),
    ],
)
def test_values_have_the_shape_of_batches(space, shape) -> None:
    case = Case("batch 5", np.zeros((5, 1)), np.zeros(5))
    columns = (Column("prev_n_actions", (2,), actions=True), Column("rewards", (2,)))
    first = with_columns(case, columns, space, seed=0)
    values = dict(first.extra)
    assert values["prev_n_actions"].shape == shape
    assert values["rewards"].shape == (5, 2)
    again = dict(with_columns(case, columns, space, seed=0).extra)
    assert all(np.array_equal(values[name], again[name]) for name in values)
    nothing = with_columns(Case("zeros", np.zeros((1, 1)), np.zeros(1)), columns, space, seed=0)
    assert all(not value.any() for _, value in nothing.extra)
    assert torch.as_tensor(values["prev_n_actions"]).shape == shape
