"""DDPG's heads give the numbers of Ray 1.13, recorded by fixtures/golden/ddpg_model/record.py."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from rlmigrate import ray_names
from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.models.ddpg_model import DDPGTorchModel

GOLDEN = Path(__file__).parents[3] / "fixtures" / "golden" / "ddpg_model" / "ray_1_13_0.npz"
RECORDED = dict(np.load(GOLDEN))
CASES = json.loads(str(RECORDED.pop("cases")))
OBS = gym.spaces.Box(-1, 1, (3,))


@pytest.mark.parametrize("name", CASES)
def test_weights_and_outputs_are_the_recorded_ones(name):
    bounds, settings = CASES[name]
    space = gym.spaces.Box(shape=(2,), dtype=np.float32, **bounds)
    torch.manual_seed(0)
    net = DDPGTorchModel(OBS, space, 3, {}, "ddpg", **settings)
    recorded = {
        key.removeprefix(f"{name}/"): value
        for key, value in RECORDED.items()
        if key.startswith(f"{name}/")
    }
    weights = {f"weight/{key}": value.numpy() for key, value in net.state_dict().items()}
    assert list(weights) == [key for key in recorded if key.startswith("weight/")]
    for key, value in weights.items():
        assert np.array_equal(value, recorded[key]), key
    features, actions = (torch.from_numpy(recorded[key]) for key in ("features", "actions"))
    outputs = {"policy": net.get_policy_output(features), "q": net.get_q_values(features, actions)}
    if settings.get("twin_q"):
        outputs["twin_q"] = net.get_twin_q_values(features, actions)
    else:
        with pytest.raises(AssertionError, match="twin_q"):
            net.get_twin_q_values(features, actions)
    assert {f"out/{key}" for key in outputs} == {key for key in recorded if key.startswith("out/")}
    for key, value in outputs.items():
        np.testing.assert_allclose(
            value.detach(), recorded[f"out/{key}"], rtol=1e-5, atol=1e-6, err_msg=key
        )
    counts = [len(net.q_variables()), len(net.q_variables(as_dict=True))]
    assert counts == recorded["q_variables"].tolist()
    assert len(net.policy_variables()) == len(net.policy_variables(as_dict=True))


def test_discrete_actions_are_refused():
    with pytest.raises(UnsupportedSpace, match=r"Discrete\(3\), expected a Box"):
        DDPGTorchModel(OBS, gym.spaces.Discrete(3), 3, {}, "ddpg")


def test_old_names_lead_here():
    with ray_names(ray=False):
        from ray.rllib.agents.ddpg.ddpg_torch_model import DDPGTorchModel as Old
        from ray.rllib.algorithms.ddpg.ddpg_torch_model import DDPGTorchModel as Later
    assert Old is Later is DDPGTorchModel
