"""Static-graph DQN and SAC policies of Ray 1.13: converted modules act as the policies did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint
from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.checkpoints.tf_graphs import of_graph
from rlmigrate.migrate.cli import cli

FOLDER = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "static_graph_1.13.0"
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
DISCRETE, BOX = gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (2,), np.float32)
CASES = {
    "dqn": (DISCRETE, "DefaultDQNTorchRLModule"),
    "dqn_plain": (DISCRETE, "DefaultDQNTorchRLModule"),
    "dqn_atoms": (DISCRETE, "DefaultQModel"),
    "sac": (BOX, "DefaultSacModel"),
    "sac_one_critic": (BOX, "DefaultSacModel"),
    "sac_discrete": (DISCRETE, "DefaultSacModel"),
}


@pytest.mark.parametrize("name", CASES)
def test_actions_are_the_recorded_ones(name, tmp_path):
    """Written by fixtures/checkpoints/make_tf1_off_policy.py."""
    actions, kind = CASES[name]
    source = FOLDER / name / "checkpoint-1"
    report = convert_checkpoint(source, tmp_path / "out", spaces=(OBS, actions))
    assert report.ok, report.policies[0].notes
    assert report.policies[0].module_class.endswith(kind)
    multi: Any = RLModule.from_checkpoint(str(tmp_path / "out"))
    module = multi["default_policy"]
    recorded = np.load(FOLDER / name / "recorded.npz")
    assert len(np.unique(recorded["actions"])) > 1
    batch = {"obs": torch.as_tensor(recorded["rows"])}
    outputs = module.forward_inference(batch)
    if name.startswith("dqn"):
        assert np.array_equal(outputs["actions"].numpy(), recorded["actions"])
        values = module.compute_q_values(batch)["qf_preds"].detach()
        np.testing.assert_allclose(values, recorded["outputs"], rtol=1e-5, atol=2e-5)
        return
    logits = outputs["action_dist_inputs"]
    np.testing.assert_allclose(logits, recorded["outputs"], rtol=1e-5, atol=2e-5)
    dist = module.get_inference_action_dist_cls().from_logits(logits)
    found = dist.to_deterministic().sample().numpy()
    tolerance = 0 if name == "sac_discrete" else 1e-5
    np.testing.assert_allclose(found, recorded["actions"], rtol=0, atol=tolerance)


def test_the_command_line_takes_the_spaces(tmp_path):
    source = str(FOLDER / "sac" / "checkpoint-1")
    shown = CliRunner().invoke(cli, ["convert", source, "--inspect"]).output
    assert "holds no spaces" in shown
    without = CliRunner().invoke(cli, ["convert", source, str(tmp_path / "without")])
    assert without.exit_code == 1
    assert "--observation-space and --action-space" in without.output
    assert "--module" not in without.output  # it is no custom model's
    spaces = ["--observation-space", "Box(-1, 1, (4,))", "--action-space"]
    done = CliRunner().invoke(
        cli, ["convert", source, str(tmp_path / "out"), *spaces, "Box(-1, 1, (2,))"]
    )
    assert done.exit_code == 0, done.output
    named = CliRunner().invoke(
        cli, ["convert", source, str(tmp_path / "named"), *spaces, "default_policy=Discrete(3)"]
    )
    assert named.exit_code == 2
    assert "once for each policy" in named.output


ENVIRONMENT = """
import gymnasium as gym

class Fourfold(gym.Env):
    observation_space = gym.spaces.Box(-1, 1, (4,))
    action_space = gym.spaces.Discrete(3)
"""


def test_the_command_line_takes_the_spaces_of_an_environment(tmp_path, monkeypatch):
    (tmp_path / "fourfold.py").write_text(ENVIRONMENT)
    monkeypatch.syspath_prepend(tmp_path)
    source, out = str(FOLDER / "dqn" / "checkpoint-1"), str(tmp_path / "out")
    env = ["--env", "fourfold:Fourfold"]
    both = CliRunner().invoke(cli, ["convert", source, out, *env, "--action-space", "Discrete(2)"])
    assert both.exit_code == 2
    done = CliRunner().invoke(cli, ["convert", source, out, *env])
    assert done.exit_code == 0, done.output
    assert "DefaultDQNTorchRLModule" in done.output


def dense(name: str, inputs: int, outputs: int) -> dict[str, np.ndarray]:
    return {
        f"{name}/kernel": np.zeros((inputs, outputs), np.float32),
        f"{name}/bias": np.zeros(outputs, np.float32),
    }


BODY = dense("fc_1", 4, 8) | dense("fc_out", 8, 6) | dense("value_out", 8, 1)
ADVANTAGES = dense("hidden_0", 6, 5) | dense("dense", 5, 3)
VALUE = dense("dense_1", 6, 5) | dense("dense_2", 5, 1)
#: What no default net of DQN or SAC looks like.
STRANGE = {
    "a plain policy's": BODY,
    "no hidden layer in the heads": BODY | dense("dense", 6, 3),
    "a value head of another depth": BODY | ADVANTAGES | dense("dense_1", 6, 1),
    "more outputs than actions": BODY | dense("hidden_0", 6, 5) | dense("dense", 5, 4),
    "a kernel without bias": BODY | {"hidden_0/kernel": np.zeros((6, 5), np.float32)},
    "a convolution": {"conv1/kernel": np.zeros((2, 2, 3, 4)), "conv1/bias": np.zeros(4)},
    "a policy net alone": BODY | {"log_alpha": np.zeros(())},
    "four critics": {
        key: value
        for at in range(5)
        for key, value in (
            dense(f"fc_{at}", 4, 4) | dense(f"fc_out_{at}", 4, 1) | dense(f"value_out_{at}", 4, 1)
        ).items()
    }
    | {"log_alpha": np.zeros(())},
}


@pytest.mark.parametrize("name", STRANGE)
def test_other_nets_are_left_as_they_are(name):
    policy = OldPolicy("p", STRANGE[name], OBS, DISCRETE)
    assert of_graph(policy) is policy


def test_layers_get_torchs_names_and_the_sizes_go_into_the_config():
    policy = OldPolicy("p", BODY | ADVANTAGES | VALUE, OBS, DISCRETE)
    found = of_graph(policy)
    assert found.config == {
        "hiddens": [5],
        "dueling": True,
        "num_atoms": 1,
        "model": {"fcnet_hiddens": [8, 6]},
    }
    assert found.weights["value_module.V._model.0.weight"].shape == (1, 5)
    half = replace(policy, weights=BODY | ADVANTAGES)
    assert of_graph(half).config["dueling"] is False
