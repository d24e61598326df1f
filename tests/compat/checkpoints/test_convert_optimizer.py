"""The old optimizer's moments reach the new Learner's optimizer, each at its parameter."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec

from rlmigrate import convert_checkpoint
from rlmigrate.compat.checkpoints import read_checkpoint
from rlmigrate.migrate.cli import cli

FIXTURES = Path(__file__).parents[3] / "fixtures" / "checkpoints"
OBS = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)


def source_of(ray: str, case: str) -> Path:
    return FIXTURES / ray / case / "checkpoint"


@pytest.mark.parametrize("case", ["fcnet", "lstm", "nested"])
@pytest.mark.parametrize("ray", sorted(path.name for path in FIXTURES.glob("ray-*")))
def test_a_learner_goes_on_with_the_old_moments(ray, case, tmp_path):
    report = convert_checkpoint(source_of(ray, case), tmp_path / "out", optimizer=True)
    (done,) = report.policies
    assert done.optimizer_path, done.notes
    state = pickle.loads(Path(done.optimizer_path).read_bytes())

    module: Any = RLModule.from_checkpoint(done.path)
    spaces = (module.observation_space, module.action_space)
    config = PPOConfig().rl_module(
        rl_module_spec=RLModuleSpec(
            module_class=type(module),
            model_config=module.model_config,
            catalog_class=type(module.catalog) if module.catalog is not None else None,
        )
    )
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    learner.set_state({"optimizer": state})
    optimizer = learner.get_optimizer("default_policy")
    parameters = dict(learner.module["default_policy"].named_parameters())

    policy = read_checkpoint(source_of(ray, case)).policies["default_policy"]
    old = policy.optimizer[0]["state"]
    compared = 0
    for index, name in enumerate(policy.weights):
        entry = old.get(index)
        if entry is None or name not in done.transfer.mapping:
            continue
        loaded = optimizer.state[parameters[done.transfer.mapping[name]]]
        for key in ("exp_avg", "exp_avg_sq"):
            assert np.array_equal(loaded[key].numpy(), np.asarray(entry[key])), name
            compared += bool(np.any(entry[key]))
        assert float(loaded["step"]) == float(entry["step"]) > 0
    assert compared >= 12
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == old_rate(policy)


def old_rate(policy: Any) -> float:
    return float(policy.optimizer[0]["param_groups"][0]["lr"])


def test_moments_are_left_out_unless_asked_for(tmp_path):
    report = convert_checkpoint(source_of("ray-2.9.3", "fcnet"), tmp_path / "out")
    assert report.policies[0].optimizer_path == ""
    assert not list((tmp_path / "out").rglob("optimizer*"))


def test_command_line(tmp_path):
    source = str(source_of("ray-2.9.3", "fcnet"))
    result = CliRunner().invoke(cli, ["convert", source, str(tmp_path / "out"), "--optimizer"])
    assert result.exit_code == 0, result.output
    assert "optimizer state: " in result.output
    shown = CliRunner().invoke(cli, ["convert", source, "--inspect"]).output
    assert "optimizer    1 with state" in shown
    assert "filter       " in shown


def test_a_folder_of_one_checkpoint_is_accepted_and_of_several_is_not(tmp_path):
    folder = FIXTURES / "ray-1.13.0" / "fcnet" / "checkpoint"
    assert [each.name for each in folder.iterdir()] == ["checkpoint_000001"]
    assert convert_checkpoint(folder, tmp_path / "out").ok
    for name in ("checkpoint_000001", "checkpoint_000002"):
        (tmp_path / "run" / name).mkdir(parents=True)
        data = (folder / "checkpoint_000001" / "checkpoint-1").read_bytes()
        (tmp_path / "run" / name / "checkpoint-1").write_bytes(data)
    with pytest.raises(Exception, match="holds 2 checkpoints; name one of checkpoint_000001"):
        read_checkpoint(tmp_path / "run")
