"""Modules stay on the device that they were moved to: no tensor is made elsewhere.

Torch's meta device refuses tensors of another device as a GPU does, and every machine has it.
Ray is not needed: its names are served by the builtin stack.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree

import rlmigrate

DEVICE = "meta"
FOLDER = Path(__file__).parents[2] / "fixtures" / "models"
MODELS = json.loads((FOLDER / "models.json").read_text())
OBSERVATIONS = {
    "box": gym.spaces.Box(-1, 1, (4,), np.float32),
    "image": gym.spaces.Box(0, 255, (6, 6, 3), np.uint8),
    "picture": gym.spaces.Box(0, 255, (10, 10, 3), np.uint8),
    "number": gym.spaces.Discrete(5),
    "bits": gym.spaces.MultiBinary(6),
    "masked": gym.spaces.Dict(
        {
            "action_mask": gym.spaces.Box(0, 1, (3,), np.int8),
            "position": gym.spaces.Box(-1, 1, (4,), np.float32),
        }
    ),
}
ACTIONS = {
    "discrete": gym.spaces.Discrete(3),
    "gauss": gym.spaces.Box(-1, 1, (2,), np.float32),
    "multi": gym.spaces.MultiDiscrete([2, 3]),
    "tuple": gym.spaces.Tuple([gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (2,), np.float32)]),
}
#: The author's code looks at numbers, which meta tensors lack, makes a tensor on the CPU, or reads
#: more than observations.
NOT_THERE = {
    "changes_the_previous_reward",
    "constant_value",
    "packs_its_sequences",
    "reshapes_by_the_longest_sequence",
    "states_that_stay_empty",
    "takes_its_observation_apart",
}
PAIRS = sorted(
    name
    for name, model in MODELS.items()
    if model["outcome"] == "native"
    and name not in NOT_THERE
    and "classes" not in model
    and model["observations"] in list(OBSERVATIONS)
    and model["actions"] in list(ACTIONS)
    and (FOLDER / name / "after.py").exists()
)


@pytest.fixture(autouse=True)
def _names_of_ray():
    with rlmigrate.ray_names(ray=False):
        yield


@pytest.mark.parametrize("name", PAIRS)
def test_natives(name, beside_layers):
    model = MODELS[name]
    obs_space, action_space = OBSERVATIONS[model["observations"]], ACTIONS[model["actions"]]
    module_class = beside_layers(FOLDER / name / "after.py").Policy
    for custom in model["configs"]:
        module = module_class(
            observation_space=obs_space, action_space=action_space, model_config=_config(custom)
        ).to(DEVICE)
        _runs_there(module, obs_space)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"vf_share_layers": True},
        {"use_lstm": True},
        {"use_attention": True, "max_seq_len": 4},
    ],
    ids=["plain", "shared", "lstm", "attention"],
)
@pytest.mark.parametrize("actions", sorted(ACTIONS))
def test_wrapped(config, actions):
    from ray.rllib.models.torch.fcnet import FullyConnectedNetwork

    module = rlmigrate.wrap_model(FullyConnectedNetwork, stack="builtin")(
        observation_space=OBSERVATIONS["box"],
        action_space=ACTIONS[actions],
        model_config={"fcnet_hiddens": [16, 8], **config},
    ).to(DEVICE)
    _runs_there(module, OBSERVATIONS["box"])


@pytest.mark.parametrize("algorithm", ["ppo", "bc", "dqn", "sac"])
def test_default_modules(algorithm):
    from rlmigrate.new_stack.models.default_config import DefaultModelConfig
    from rlmigrate.new_stack.specs import RLModuleSpec

    home = importlib.import_module(f"rlmigrate.new_stack.defaults.{algorithm}")
    spec = RLModuleSpec(
        module_class=getattr(home, f"Default{algorithm.upper()}TorchRLModule"),
        observation_space=OBSERVATIONS["box"],
        action_space=ACTIONS["gauss" if algorithm == "sac" else "discrete"],
        model_config=DefaultModelConfig(fcnet_hiddens=[16]),
    )
    _there(spec.build().to(DEVICE).forward_inference(_batch(OBSERVATIONS["box"], (3,))))


def _runs_there(module, obs_space):
    stateful = module.is_stateful()
    batch = _batch(obs_space, (3, 4) if stateful else (3,))
    if stateful:
        batch["state_in"] = tree.map_structure(
            lambda leaf: torch.as_tensor(leaf).expand(3, *leaf.shape).to(DEVICE),
            module.get_initial_state(),
        )
    _there(module.forward_inference(batch))
    trained = module.forward_train(batch)
    _there(trained)
    if hasattr(module, "compute_values"):
        _there(module.compute_values(batch, trained.get("embeddings")))


def _there(outputs):
    leaves = [leaf for leaf in tree.flatten(outputs) if isinstance(leaf, torch.Tensor)]
    assert leaves
    assert {leaf.device.type for leaf in leaves} == {DEVICE}


def _batch(space, lead):
    sample = space.sample()
    return {
        "obs": tree.map_structure(
            lambda leaf: (
                torch.from_numpy(np.asarray(leaf)).expand(*lead, *np.shape(leaf)).to(DEVICE)
            ),
            sample,
        )
    }


def _config(custom):
    """Own keys on top, if none of them is RLlib's too."""
    from ray.rllib.models.catalog import MODEL_DEFAULTS

    apart = MODEL_DEFAULTS.keys().isdisjoint(custom)
    return dict(custom) if apart else {"custom_model_config": custom}


@pytest.fixture
def beside_layers(monkeypatch):
    """Import a rewritten file; the file that the codemod writes beside it holds our layers."""
    from rlmigrate.new_stack import layers

    def load(path):
        monkeypatch.setitem(sys.modules, "rlmigrate_layers", layers)
        name = f"on_device_{path.parent.name}"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load
