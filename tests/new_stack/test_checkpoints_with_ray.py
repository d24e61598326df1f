"""Checkpoints: from here to Ray 2.60, from there to here, and back, bit by bit."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import (
    DefaultPPOTorchRLModule as RayPPO,
)
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig as RayModelConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule as RayMulti
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec as RayMultiSpec
from ray.rllib.core.rl_module.rl_module import RLModule as RayRLModule
from ray.rllib.core.rl_module.rl_module import RLModuleSpec as RaySpec
from torch import nn

from rlmigrate.errors import CheckpointError
from rlmigrate.new_stack import (
    Columns,
    MultiRLModule,
    MultiRLModuleSpec,
    RLModule,
    RLModuleSpec,
    TorchRLModule,
)
from rlmigrate.new_stack.checkpoints.layouts import read_state
from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule
from rlmigrate.new_stack.models.default_config import DefaultModelConfig

OBS = gym.spaces.Box(-1, 1, (4,))
ACTIONS = [
    gym.spaces.Discrete(3),
    gym.spaces.Box(-1, 1, (2,)),
    gym.spaces.MultiDiscrete([2, 3]),
    gym.spaces.Dict(z=gym.spaces.Discrete(2), a=gym.spaces.Tuple([gym.spaces.Discrete(3)])),
]
CONFIGS = [{"fcnet_hiddens": [8]}, {"use_lstm": True, "lstm_cell_size": 5, "fcnet_hiddens": [4]}]


def ours(act=ACTIONS[0], config=CONFIGS[0]):
    return RLModuleSpec(DefaultPPOTorchRLModule, OBS, act, model_config=config).build()


def rays(act=ACTIONS[0], config=CONFIGS[0]):
    return RaySpec(RayPPO, OBS, act, model_config=config).build()


def same(first, second):
    mine, theirs = first.state_dict(), second.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[k], theirs[k]) for k in theirs)


@pytest.mark.parametrize("use_msgpack", [False, True])
@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("act", ACTIONS)
def test_a_module_goes_to_ray_and_comes_back(tmp_path, act, config, use_msgpack):
    module = ours(act, config)
    module.save_to_path(tmp_path / "here", use_msgpack=use_msgpack)
    there = RayRLModule.from_checkpoint(str(tmp_path / "here"))
    assert type(there) is RayPPO
    assert same(module, there)
    assert there.action_space == act
    there.save_to_path(str(tmp_path / "there"), use_msgpack=use_msgpack)
    back = RLModule.from_checkpoint(tmp_path / "there")
    assert type(back) is DefaultPPOTorchRLModule
    assert same(module, back)
    assert back.model_config == config
    if not config.get("use_lstm"):
        batch = {Columns.OBS: torch.rand(3, 4)}
        outs = [
            m.forward_inference(batch)[Columns.ACTION_DIST_INPUTS] for m in (module, there, back)
        ]
        assert torch.equal(outs[0], outs[1])
        assert torch.equal(outs[0], outs[2])


@pytest.mark.parametrize("use_msgpack", [False, True])
def test_several_modules_go_to_ray_and_come_back(tmp_path, use_msgpack):
    module = MultiRLModuleSpec(
        rl_module_specs={
            "a": RLModuleSpec(DefaultPPOTorchRLModule, OBS, ACTIONS[0], model_config=CONFIGS[0]),
            "b": RLModuleSpec(
                DefaultPPOTorchRLModule,
                OBS,
                ACTIONS[2],
                model_config=DefaultModelConfig(fcnet_hiddens=[5]),
            ),
        }
    ).build()
    module.save_to_path(tmp_path / "here", use_msgpack=use_msgpack)
    there = RayMulti.from_checkpoint(str(tmp_path / "here"))
    assert all(same(module[name], there[name]) for name in "ab")
    assert isinstance(there.rl_module_specs["b"].model_config, (RayModelConfig, dict))
    there.save_to_path(str(tmp_path / "there"), use_msgpack=use_msgpack)
    back = MultiRLModule.from_checkpoint(tmp_path / "there")
    assert all(same(module[name], back[name]) for name in "ab")
    one = RLModule.from_checkpoint(tmp_path / "there" / "b")
    assert same(one, module["b"])


def test_a_component_is_restored_from_its_own_directory(tmp_path):
    specs = {"a": RLModuleSpec(DefaultPPOTorchRLModule, OBS, ACTIONS[0], model_config=CONFIGS[0])}
    module = MultiRLModuleSpec(rl_module_specs=specs).build()
    other = ours()
    other.save_to_path(tmp_path)
    assert module.restore_from_path(tmp_path, component="a").complete
    assert same(module["a"], other)
    with pytest.raises(CheckpointError, match="no component 'zz'"):
        module.restore_from_path(tmp_path, component="zz")


def test_ray_restores_a_state_that_was_written_here(tmp_path):
    module, there = ours(), rays()
    module.save_to_path(tmp_path)
    there.restore_from_path(str(tmp_path))
    assert same(module, there)
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    rays().save_to_path(str(tmp_path / "r"))
    theirs = json.loads((tmp_path / "r" / "metadata.json").read_text())
    assert {k: metadata[k] for k in theirs if k != "ray_commit"} == {
        k: v for k, v in theirs.items() if k != "ray_commit"
    }


def test_shared_nets_survive_and_ray_ignores_them(tmp_path):
    class Shared(MultiRLModule):
        def setup(self):
            super().setup()
            self.encoder = nn.Linear(2, 2)

    specs = {"a": RLModuleSpec(DefaultPPOTorchRLModule, OBS, ACTIONS[0], model_config=CONFIGS[0])}
    module = Shared(rl_module_specs=specs)
    module.save_to_path(tmp_path)
    again = Shared(rl_module_specs=specs)
    assert again.restore_from_path(tmp_path).complete
    assert torch.equal(module.encoder.weight, again.encoder.weight)
    ray_specs = {"a": RaySpec(RayPPO, OBS, ACTIONS[0], model_config=CONFIGS[0])}
    there = RayMultiSpec(rl_module_specs=ray_specs).build()
    there.restore_from_path(str(tmp_path))
    assert same(module["a"], there["a"])


def test_relative_paths_and_file_uris_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = ours()
    assert module.save_to_path("relative/dir") == os.path.join("relative", "dir")
    assert same(RLModule.from_checkpoint("relative/dir"), module)
    assert same(RLModule.from_checkpoint((tmp_path / "relative/dir").as_uri()), module)
    made = module.save_to_path()
    assert same(RLModule.from_checkpoint(made), module)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        RLModule.from_checkpoint("nowhere")
    with pytest.raises(CheckpointError, match="local"):
        module.save_to_path("s3://bucket/x")


def test_saving_in_the_other_format_leaves_no_stale_state(tmp_path):
    first, second = ours(), ours()
    first.save_to_path(tmp_path, use_msgpack=True)
    second.save_to_path(tmp_path)
    assert not (tmp_path / "module_state.msgpack").exists()
    assert same(RLModule.from_checkpoint(tmp_path), second)
    assert same(RayRLModule.from_checkpoint(str(tmp_path)), second)


def test_the_newer_of_two_states_counts_where_ray_leaves_both(tmp_path):
    old, new = rays(), rays()
    old.save_to_path(str(tmp_path), use_msgpack=True)
    os.utime(tmp_path / "module_state.msgpack", (1, 1))
    new.save_to_path(str(tmp_path))
    assert same(RLModule.from_checkpoint(tmp_path), new)
    assert same(RayRLModule.from_checkpoint(str(tmp_path)), old)


class Mine(TorchRLModule):
    def setup(self):
        self.pi = nn.Linear(4, self.model_config["out"])


def test_a_custom_class_must_be_passed_where_ray_makes_an_empty_module(tmp_path):
    module = RLModuleSpec(Mine, OBS, ACTIONS[0], model_config={"out": 3}).build()
    module.save_to_path(tmp_path)
    name = f"{Mine.__module__}.{Mine.__qualname__}"
    with pytest.raises(CheckpointError, match="module_classes"):
        RLModule.from_checkpoint(tmp_path)
    again = RLModule.from_checkpoint(tmp_path, module_classes={name: Mine})
    assert same(module, again)
    fresh = RLModuleSpec(Mine, OBS, ACTIONS[0], model_config={"out": 3}).build()
    fresh.restore_from_path(tmp_path)
    assert same(module, fresh)


def test_the_class_of_a_checkpoint_must_fit(tmp_path):
    ours().save_to_path(tmp_path)
    with pytest.raises(CheckpointError, match="no MultiRLModule"):
        MultiRLModule.from_checkpoint(tmp_path)


def test_inference_only_is_honoured_where_rays_ignores_it(tmp_path):
    ours().save_to_path(tmp_path)
    small = RLModule.from_checkpoint(tmp_path, inference_only=True)
    assert small.inference_only
    assert not any(name.startswith("vf") for name in small.state_dict())
    assert not RayRLModule.from_checkpoint(str(tmp_path), inference_only=True).inference_only


def test_a_spec_loads_the_state_it_names(tmp_path):
    module = ours()
    module.save_to_path(tmp_path)
    spec = RLModuleSpec.from_module(module)
    spec.load_state_path = str(tmp_path)
    assert same(spec.build(), module)
    multi = MultiRLModuleSpec(rl_module_specs={"a": RLModuleSpec.from_module(module)}).build()
    multi.save_to_path(tmp_path / "multi")
    again = MultiRLModuleSpec.from_module(multi)
    again.load_state_path, again.modules_to_load = str(tmp_path / "multi"), {"a"}
    assert same(again.build()["a"], multi["a"])


# Older layouts ------------------------------------------------------------------------------


def as_of_2_33(directory: Path):
    """Turn a checkpoint of today into one of 2.33 to 2.40: a pickle that is called .pt."""
    (directory / "module_state.pkl").rename(directory / "module_state.pt")
    metadata = json.loads((directory / "metadata.json").read_text())
    metadata |= {"checkpoint_version": "2.0", "state_file": "module_state.pt"}
    (directory / "metadata.json").write_text(json.dumps(metadata))


def test_checkpoints_of_2_33_to_2_40_load(tmp_path):
    module = rays()
    module.save_to_path(str(tmp_path))
    as_of_2_33(tmp_path)
    assert same(RLModule.from_checkpoint(tmp_path), module)


def spec_of_2_24(module):
    from ray.rllib.utils.serialization import gym_space_to_dict

    return {
        "module_class": "ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module.PPOTorchRLModule",
        "module_config": {
            "observation_space": gym_space_to_dict(module.observation_space),
            "action_space": gym_space_to_dict(module.action_space),
            "inference_only": False,
            "learner_only": False,
            "model_config_dict": module.model_config,
            "catalog_class_path": "ray.rllib.algorithms.ppo.ppo_catalog.PPOCatalog",
        },
    }


@pytest.mark.parametrize("as_tensors", [False, True])
def test_checkpoints_up_to_2_24_load(tmp_path, as_tensors):
    module = rays()
    state = module.get_state()
    if as_tensors:
        state = {key: torch.from_numpy(value) for key, value in state.items()}
    (tmp_path / "module_state_dir").mkdir()
    torch.save(state, tmp_path / "module_state_dir" / "module_state.pt")
    (tmp_path / "rl_module_metadata.json").write_text(
        json.dumps(
            {
                "module_spec_class": ("ray.rllib.core.rl_module.rl_module.SingleAgentRLModuleSpec"),
                "module_spec_dict": spec_of_2_24(module),
                "ray_version": "2.9.3",
            }
        )
    )
    assert same(RLModule.from_checkpoint(tmp_path), module)


def test_a_state_pickled_under_numpy_1_loads(tmp_path):
    array = np.arange(6, dtype=">f4").reshape(2, 3)
    data = pickle.dumps({"w": array, "n": np.float32(2.5)}, protocol=2)
    (tmp_path / "module_state.pkl").write_bytes(data.replace(b"numpy._core", b"numpy.core"))
    state = read_state(tmp_path)
    assert np.array_equal(state["w"], array)
    assert state["n"] == 2.5
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    (tmp_path / "module_state.pkl").write_bytes(pickle.dumps({"w": fortran}, protocol=2))
    assert np.array_equal(read_state(tmp_path)["w"], fortran)


OLD = Path(__file__).parents[2] / "fixtures" / "checkpoints" / "rl_modules_2_9_3"


@pytest.mark.filterwarnings("ignore:PPOCatalog")
def test_checkpoints_that_ray_2_9_3_wrote_load_with_its_numbers():
    module = RLModule.from_checkpoint(OLD / "single")
    logits = module.forward_inference({Columns.OBS: torch.full((1, 4), 0.3)})
    wanted = torch.tensor([[0.3230, -0.5164]])
    assert torch.allclose(logits[Columns.ACTION_DIST_INPUTS], wanted, atol=5e-5)
    # The heads' clipping constants came with 2.38; they keep their values.
    report = module.restore_from_path(OLD / "single")
    assert {name.partition(".")[2] for name in report.missing} == {"log_std_clip_param_const"}
    assert report.unexpected == ()


@pytest.mark.filterwarnings("ignore:PPOCatalog")
def test_several_modules_that_ray_2_9_3_wrote_load():
    module = MultiRLModule.from_checkpoint(OLD / "multi")
    assert list(module.keys()) == ["a", "b"]
    assert module["b"].action_space == ACTIONS[0]
    state = read_state(OLD / "multi" / "b")
    loaded = module["b"].get_state()
    assert all(np.array_equal(loaded[name], value) for name, value in state.items())


OF_2_35 = Path(__file__).parents[2] / "fixtures" / "checkpoints" / "rl_modules_2_35_0"


@pytest.mark.filterwarnings("ignore:PPOCatalog")
def test_checkpoints_that_ray_2_35_wrote_load_with_its_numbers():
    recorded = np.load(OF_2_35 / "outputs.npz")
    multi = MultiRLModule.from_checkpoint(OF_2_35 / "multi")
    modules = {"single": RLModule.from_checkpoint(OF_2_35 / "single"), **dict(multi.items())}
    assert modules.keys() == {"single", "a", "b"}
    assert read_state(OF_2_35 / "single").keys() <= modules["single"].get_state().keys()
    for name, module in modules.items():
        with torch.no_grad():
            out = module.forward_inference({Columns.OBS: torch.from_numpy(recorded["obs"])})
        assert np.array_equal(out[Columns.ACTION_DIST_INPUTS].numpy(), recorded[name]), name
