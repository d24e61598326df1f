"""Checkpoints that real Rays wrote become modules that compute what the policies computed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import tree
from ray.rllib.connectors.env_to_module.mean_std_filter import MeanStdFilter
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.utils.numpy import SMALL_NUMBER

import rlmigrate.new_stack
from rlmigrate import convert_checkpoint
from rlmigrate.compat.checkpoints import read_checkpoint
from rlmigrate.compat.wrap.defaults import DefaultModel

FIXTURES = Path(__file__).parents[3] / "fixtures" / "checkpoints"
RAYS = sorted(path.name for path in FIXTURES.glob("ray-*"))
CASES = ["fcnet", "gaussian", "lstm", "nested", "filtered"]


def source_of(ray: str, case: str) -> Path:
    folder = FIXTURES / ray / case / "checkpoint"
    return next(folder.glob("checkpoint_*"), folder)


def recorded(ray: str, case: str, policy_id: str) -> tuple[Any, np.ndarray, np.ndarray]:
    arrays = np.load(FIXTURES / ray / case / "recorded.npz", allow_pickle=False)
    nested = {
        name.rpartition("/")[2]: arrays[name]
        for name in arrays.files
        if name.startswith(f"{policy_id}/obs/")
    }
    obs = nested or arrays[f"{policy_id}/obs"]
    return obs, arrays[f"{policy_id}/action_dist_inputs"], arrays[f"{policy_id}/actions"]


def acted(module: Any, obs: Any) -> tuple[torch.Tensor, torch.Tensor]:
    batch: dict[str, Any] = {"obs": tree.map_structure(torch.as_tensor, obs)}
    if module.is_stateful():
        batch["obs"] = batch["obs"][:, None]
        batch["state_in"] = tree.map_structure(
            lambda s: torch.as_tensor(s)[None].repeat(100, *[1] * s.ndim),
            module.get_initial_state(),
        )
    logits = module.forward_inference(batch)["action_dist_inputs"].reshape(100, -1)
    dist = module.get_inference_action_dist_cls().from_logits(logits)
    return logits, dist.to_deterministic().sample()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ray", RAYS)
def test_actions_are_those_recorded(ray, case, tmp_path):
    report = convert_checkpoint(source_of(ray, case), tmp_path / "out")
    assert report.ok
    (done,) = report.policies
    assert done.transfer.matched >= 8
    obs, logits, actions = recorded(ray, case, "default_policy")
    on_ray = RLModule.from_checkpoint(done.path)
    builtin = (
        rlmigrate.new_stack.RLModule.from_checkpoint(
            done.path, module_classes={"rlmigrate.compat.wrap.defaults.DefaultModel": DefaultModel}
        )
        if case != "nested"
        else on_ray
    )
    for module in (on_ray, builtin):
        found, greedy = acted(module, obs)
        assert np.allclose(found.numpy(), logits, rtol=0, atol=1e-6)
        if actions.dtype.kind == "f":
            assert np.allclose(greedy.numpy(), actions, rtol=0, atol=1e-6)
        else:
            assert np.array_equal(greedy.numpy(), actions)


@pytest.mark.parametrize("ray", RAYS)
def test_multi_agent_checkpoint_becomes_one_multi_module(ray, tmp_path):
    report = convert_checkpoint(source_of(ray, "multi_agent"), tmp_path / "out")
    assert report.ok
    multi = MultiRLModule.from_checkpoint(str(tmp_path / "out"))
    assert set(multi.keys()) == {"first", "second"}
    ours = rlmigrate.new_stack.MultiRLModule.from_checkpoint(tmp_path / "out")
    for policy_id in ("first", "second"):
        obs, logits, actions = recorded(ray, "multi_agent", policy_id)
        for module in (multi[policy_id], ours[policy_id]):
            found, greedy = acted(module, obs)
            assert np.allclose(found.numpy(), logits, rtol=0, atol=1e-6)
            assert np.array_equal(greedy.numpy(), actions)


@pytest.mark.parametrize("ray", RAYS)
def test_filter_statistics_reach_the_new_connector(ray, tmp_path):
    report = convert_checkpoint(source_of(ray, "filtered"), tmp_path / "out")
    state = json.loads(Path(report.policies[0].filter_path).read_text())
    policy = read_checkpoint(source_of(ray, "filtered")).policies["default_policy"]
    connector = MeanStdFilter()
    connector.input_action_space = policy.action_space
    connector.input_observation_space = policy.observation_space
    connector._init_new_filters()
    connector.set_state(dict.fromkeys(connector._filters, state))
    (running,) = [f.running_stats for f in connector._filters.values()]
    stat = tree.flatten(running)[0]
    assert stat.num_pushes >= 32
    old = policy.filter_state.get("running_stats") or policy.filter_state.get("rs")
    mean = old.get("mean_array") if old.get("mean_array") is not None else old.get("_M")
    assert np.array_equal(stat.mean_array, mean)
    assert np.abs(stat.mean_array).max() > 0
    (whole,) = connector._filters.values()
    obs = np.linspace(-1, 1, len(mean), dtype=np.float32)
    wanted = (obs - stat.mean) / (stat.std + SMALL_NUMBER)
    assert np.allclose(whole(obs, update=False), wanted, rtol=1e-6)


@pytest.mark.parametrize("ray", RAYS)
def test_what_was_read(ray):
    policy = read_checkpoint(source_of(ray, "nested")).policies["default_policy"]
    assert policy.observation_space.shape == (5,)
    assert list(policy.observation_space.original_space.spaces) == ["a", "b"]
    assert policy.action_space.nvec.tolist() == [2, 3]
    assert policy.global_timestep >= 32
    assert "PPOTorchPolicy" in policy.policy_class


@pytest.mark.parametrize("ray", RAYS)
def test_rays_restore_from_path_loads_it_into_a_module(ray, tmp_path):
    (done,) = convert_checkpoint(source_of(ray, "fcnet"), tmp_path / "out").policies
    module = RLModule.from_checkpoint(done.path)
    expected = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    module.restore_from_path(done.path)
    assert all(torch.equal(value, expected[name]) for name, value in module.state_dict().items())


def test_settings_of_the_run_stand_in_for_those_that_ray_1_left_out(tmp_path):
    source = FIXTURES / "ray-1.13.0" / "fcnet" / "checkpoint" / "checkpoint_000001"
    folder = tmp_path / "checkpoint_000001"
    shutil.copytree(source, folder)
    settings = {"lr": 1e-3, "model": {"custom_model": "mine", "fcnet_activation": "relu"}}
    (tmp_path / "params.json").write_text(json.dumps(settings))
    policy = read_checkpoint(folder).policies["default_policy"]
    assert policy.model_config["custom_model"] == "mine"
    (note,) = convert_checkpoint(folder, tmp_path / "out").policies[0].notes
    assert "--module default_policy=PATH:CLASS" in note
    (tmp_path / "params.json").write_text("not json")
    assert "custom_model" not in read_checkpoint(folder).policies["default_policy"].model_config
