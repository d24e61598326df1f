"""Prints and log lines in forward name its inputs: they go on doing so."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import logging

import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn

logger = logging.getLogger(__name__)


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.pi = nn.Linear(4, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        print("input dict", input_dict)
        print(f"{state=} {seq_lens=} {input_dict.keys()}")
        logger.debug("lengths %s", seq_lens)
        if len(input_dict["obs"]) == 5:
            print("state", state)
        return self.pi(input_dict["obs"]), state
"""
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ('print("input dict", input_dict)', "show(input_dict)"),
        ('print("input dict", input_dict)', 'kept = print("input dict", input_dict)'),
        ('print("input dict", input_dict)', "print(kept := input_dict)"),
        ('print("input dict", input_dict)', "print(input_dict).show()"),
        ('logger.debug("lengths %s", seq_lens)', "torch.log(seq_lens)"),
    ],
)
def test_what_does_more_than_tell_stays_with_the_old_model(migrate, said, done) -> None:
    assert said in MODEL
    assert migrate(MODEL.replace(said, done)).items["Policy"].outcome == "bridged"


def test_what_is_told_is_told_of_the_batch(migrate, capsys) -> None:
    done = migrate(MODEL)
    assert done.items["Policy"].outcome == "native"
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, ACTIONS)
    text = done.text("model.py")
    assert 'print("input dict", batch)' in text
    assert 'logger.debug("lengths %s", batch.get(Columns.SEQ_LENS))' in text
    said = capsys.readouterr().out
    assert "state=[] batch.get(Columns.SEQ_LENS)=None dict_keys(['obs'])" in said
    assert "state []" in said
