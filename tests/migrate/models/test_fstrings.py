"""Models whose messages and prints name what changes, inside f-strings."""

from __future__ import annotations

import ast

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.migrate.fstrings import is_placed
from rlmigrate.migrate.source import SourceFile
from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = '''
import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, *, width=8):
        """Build the layers."""
        assert len(obs_space.shape) == 1, f"a vector, not {obs_space.shape!r:>10}"
        assert (
            num_outputs == 3
        ), f"""
            num_outputs = {num_outputs}
            {{width}} = {width:{width}d}"""
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        print(f"{width=} {width} {model_config['custom_model_config']['kind']} of {name}")
        print(f'{width=} {model_config["custom_model_config"]["kind"]}')
        self.body = nn.Linear(4, width)
        self.pi = nn.Linear(width, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        self._features = torch.tanh(self.body(input_dict["obs"]))
        print(f"{input_dict['obs'].shape} to {self._features.shape}: {len(input_dict['obs'])}")
        return self.pi(self._features), state

    def value_function(self):
        return self._features.sum(1)
'''
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)


def test_strings_inside_of_strings_stay_with_the_old_model(migrate) -> None:
    nested = MODEL.replace("of {name}", """of {f'{num_outputs}'}""")
    assert "f-string" in migrate(nested).items["Policy"].message
    quoted = MODEL.replace("width=8)", "width='8')").replace("{width:{width}d}", "{width}")
    assert "f-string" in migrate(quoted).items["Policy"].message


def test_messages_say_what_they_said(migrate, capsys) -> None:
    done = migrate(MODEL)
    assert done.items["Policy"].outcome == "native"
    old, new = done.old("model.py").Policy, done.new("model.py").Policy
    compare(old, new, OBS, ACTIONS, {"kind": "plain"})
    said = capsys.readouterr().out
    assert "torch.Size([5, 4]) to torch.Size([5, 8]): 5\n" in said
    assert "8 plain of " in said


@pytest.mark.parametrize("text", ["f'{a[0]!r:>{b}} {c=}'", "(f'''\n{a}\n  {b.c:\n}''' f'{d}')"])
def test_where_parts_stand(text) -> None:
    source = SourceFile.from_text(text)
    names = source.nodes(ast.Name)
    assert names
    assert all(is_placed(source, name) for name in names)
    names[0].col_offset -= 1
    assert not is_placed(source, names[0])
