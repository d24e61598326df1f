"""Models that tests and scripts build by themselves become native, and those places are marked."""

from __future__ import annotations

import ast
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.migrate.index.tries import is_tried
from rlmigrate.migrate.source import SourceFile
from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Policy(TorchModelV2, nn.Module):
    def __init__(
        self, obs_space, action_space, num_outputs=None, model_config=None, name="", width=8
    ):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(4, width)
        self.pi = nn.Linear(width, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        self._features = torch.tanh(self.body(input_dict["obs"]))
        return self.pi(self._features), state

    def value_function(self):
        return self._features.sum(1)
"""
BUILD = (
    "Policy(space, actions, num_outputs=3, model_config={'custom_model_config': {'a': 1}}, width=6)"
)
USE = """
import ray.rllib
from model import Policy


def make(space, actions):
    return BUILD
""".replace("BUILD", BUILD)
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)


def test_what_production_code_builds_stays_the_old_model(migrate) -> None:
    done = migrate({"model.py": MODEL, "make.py": USE})
    assert done.items["Policy"].outcome == "bridged"
    assert "LegacyPolicy(space" in done.text("make.py")


def test_both_builders_get_the_old_model_where_one_of_them_is_no_test(migrate) -> None:
    files = {"model.py": MODEL, "make.py": USE, "test_it.py": USE}
    done = migrate(files)
    assert "LegacyPolicy(space" in done.text("make.py")
    assert "LegacyPolicy(space" in done.text("test_it.py")


@pytest.mark.parametrize("place", ["test_it.py", "tests/helpers.py", "run.py"])
def test_what_only_tests_build_is_native(migrate, place) -> None:
    use = USE.replace("make", "main") if place == "run.py" else USE
    done = migrate({"model.py": MODEL, place: use})
    assert done.items["Policy"].outcome == "native"
    message = done.items["Policy()"].message
    assert done.items["Policy()"].outcome == "manual"
    new = (
        "Policy(observation_space=space, action_space=actions, model_config={'a': 1, \"width\": 6})"
    )
    assert f"build it as {new}, and call" in message
    assert message.endswith("value_function() is compute_values() of the same batch")
    assert BUILD in done.text(place)
    old, module = done.old("model.py").Policy, done.new("model.py").Policy
    compare(old, module, OBS, ACTIONS, {"width": 6})
    built = eval(new, {"Policy": module, "space": OBS, "actions": ACTIONS})  # as it is told
    assert built.body.out_features == 6


def test_settings_that_rllib_has_too_stay_apart(migrate) -> None:
    model = MODEL.replace("width=8\n    )", "**kwargs\n    )").replace(
        "nn.Linear(4, width)", 'nn.Linear(4, kwargs["fcnet_hiddens"][0])'
    )
    model = model.replace("nn.Linear(width,", 'nn.Linear(kwargs["fcnet_hiddens"][0],')
    use = USE.replace("width=6)", "fcnet_hiddens=[6], deep=True)")
    done = migrate({"model.py": model, "test_it.py": use})
    assert done.items["Policy"].outcome == "native"
    new = done.items["Policy()"].message.partition("build it as ")[2].partition(", and call")[0]
    assert '{"custom_model_config": {\'a\': 1, "fcnet_hiddens": [6], "deep": True}}' in new
    module = done.new("model.py").Policy
    built = eval(new, {"Policy": module, "space": OBS, "actions": ACTIONS})  # as it is told
    assert built.body.out_features == 6


@pytest.mark.parametrize(
    ("path", "code", "tried"),
    [
        ("a.py", "Net()", True),
        ("a.py", "if __name__ == '__main__':\n    x = Net()", True),
        ("a.py", "def main():\n    def inner(): return Net()", True),
        ("a.py", "def make(): return Net()", False),
        ("a.py", "make = lambda: Net()", False),
        ("a.py", "class Main:\n    def main(self): return Net()", False),
        ("tests/a.py", "def make(): return Net()", True),
        ("test_a.py", "def make(): return Net()", True),
        ("contest.py", "def make(): return Net()", False),
        ("tests/deep/down/a.py", "def make(): return Net()", False),
    ],
)
def test_where_code_tries_things_out(path, code, tried) -> None:
    source = SourceFile.from_text(code)
    call = source.nodes(ast.Call)[0]
    assert is_tried(Path(path), call, source.parents) is tried
