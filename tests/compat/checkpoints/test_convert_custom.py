"""Checkpoints of custom models: with the migrated class, and without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn

from rlmigrate import convert_checkpoint
from rlmigrate.migrate.cli import cli

OBS, ACTIONS = gym.spaces.Box(-1, 1, (4,), np.float32), gym.spaces.Discrete(3)


class Custom(TorchModelV2, nn.Module):
    """A custom model with an argument."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name, width=3):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(4, width)
        self.head = nn.Linear(width, num_outputs)
        self.critic = nn.Linear(width, 1)

    def forward(self, input_dict, state, seq_lens):
        self.features = torch.tanh(self.body(input_dict["obs"]))
        return self.head(self.features), state

    def value_function(self):
        return self.critic(self.features)[:, 0]


NATIVE = """
from torch import nn, tanh
from ray.rllib.core.rl_module.torch import TorchRLModule


class Native(TorchRLModule):
    def setup(self):
        width = self.model_config["width"]
        self.body = nn.Linear(4, width)
        self.head = nn.Linear(width, 3)
        self.critic = nn.Linear(width, 1)

    def _forward(self, batch, **kwargs):
        return {"action_dist_inputs": self.head(tanh(self.body(batch["obs"])))}
"""
WRAPPED = """
from rlmigrate import wrap_model
from {module} import Custom as LegacyCustom

Wrapped = wrap_model(LegacyCustom, stack="ray", name="Wrapped")
"""


@pytest.fixture
def policy() -> Any:
    ModelCatalog.register_custom_model("custom", Custom)
    config = PPOConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    config.framework("torch").environment(observation_space=OBS, action_space=ACTIONS)
    config.training(model={"custom_model": "custom", "custom_model_config": {"width": 6}})
    return PPOTorchPolicy(OBS, ACTIONS, config.to_dict())


@pytest.fixture
def checkpoint(policy, tmp_path) -> Path:
    policy.export_checkpoint(str(tmp_path / "old"))
    return tmp_path / "old"


def test_without_a_class_the_state_comes_out_and_the_line_to_add_is_given(
    checkpoint, policy, tmp_path
):
    report = convert_checkpoint(checkpoint, tmp_path / "out")
    assert not report.ok
    assert report.policies[0].status == "state only"
    assert "custom model custom" in report.policies[0].notes[0]
    assert "--module default_policy=PATH:CLASS" in report.policies[0].notes[0]
    assert (tmp_path / "out" / "module_state.pkl").is_file()


@pytest.mark.parametrize(("source", "name"), [(NATIVE, "Native"), (WRAPPED, "Wrapped")])
def test_command_line_converts_with_the_migrated_class(
    source, name, checkpoint, policy, tmp_path, monkeypatch
):
    file = tmp_path / f"migrated_{name.lower()}.py"
    file.write_text(source.format(module=__name__) if name == "Wrapped" else source)
    monkeypatch.setattr(sys, "path", list(sys.path))
    out, report = tmp_path / "out", tmp_path / "report.json"
    arguments = ["convert", str(checkpoint), str(out), "--module", f"{file}:{name}"]
    result = CliRunner().invoke(cli, [*arguments, "--report", str(report)])
    assert result.exit_code == 0, result.output
    assert "6/6 parameters" in result.output
    entry = json.loads(report.read_text())["policies"][0]
    prefix = "legacy_model." if name == "Wrapped" else ""
    assert entry["mapping"]["head.bias"] == f"{prefix}head.bias"

    module = RLModule.from_checkpoint(str(out))
    assert type(module).__name__ == name
    obs = np.random.default_rng(0).uniform(-1, 1, (100, 4)).astype(np.float32)
    actions, _, info = policy.compute_actions(obs, explore=False)
    logits = module.forward_inference({"obs": torch.as_tensor(obs)})["action_dist_inputs"]
    assert np.array_equal(logits.numpy(), info["action_dist_inputs"])
    assert np.array_equal(logits.argmax(1).numpy(), actions)


def test_command_line_without_the_class_exits_with_one(checkpoint, tmp_path):
    result = CliRunner().invoke(cli, ["convert", str(checkpoint), str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "state only" in result.output


def test_command_line_inspects_without_writing(checkpoint, tmp_path):
    before = set(tmp_path.rglob("*"))
    result = CliRunner().invoke(cli, ["convert", str(checkpoint), "--inspect"])
    assert result.exit_code == 0
    assert "head.weight (3, 6)" in result.output
    assert "model        custom" in result.output
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "out"], "no checkpoint at"),
        (["old"], "name the directory to write"),
        (["old", "out", "--module", "nonsense"], "expected PATH:CLASS"),
        (["old", "out", "--module", "gone.py:Class"], "no file"),
    ],
)
def test_command_line_errors_exit_with_two(arguments, message, checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["convert", *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_class_that_does_not_fit_lists_every_parameter(checkpoint, tmp_path):
    from ray.rllib.core.rl_module.torch import TorchRLModule

    class Narrow(TorchRLModule):
        def setup(self):
            self.body = nn.Linear(4, 2)

    report = convert_checkpoint(checkpoint, tmp_path / "out", module_classes=Narrow)
    assert report.policies[0].status == "failed"
    message = report.policies[0].notes[-1]
    assert "body.weight: shape (6, 4)" in message
    assert "old critic.bias (1,): no counterpart" in message
