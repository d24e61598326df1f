"""The example modules compute what Ray's compute, on the same weights."""

from __future__ import annotations

import importlib.util

import gymnasium as gym
import numpy as np
import pytest
import torch

from rlmigrate import ray_names
from rlmigrate.compat.names.environments import make_multi_agent

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")
torch.set_num_threads(1)
R = "ray.rllib.examples."


def both(module, name):
    """Our class and Ray's, under one import path."""
    path = f"{R}{module}"
    with ray_names(ray=False):
        ours = getattr(importlib.import_module(path), name)
    theirs = getattr(importlib.import_module(path), name)
    assert ours.__module__.startswith("rlmigrate.")
    assert theirs.__module__.startswith("ray.")
    return ours, theirs


def equal(a, b):
    assert a.keys() == b.keys()
    for key, value in a.items():
        if isinstance(value, dict):
            equal(value, b[key])
        else:
            assert torch.equal(value, b[key]), key


@pytest.mark.parametrize("name", ["LSTMContainingRLModule"])
def test_lstm_containing_module(name):
    obs, act = gym.spaces.Box(-1, 1, (5,)), gym.spaces.Discrete(3)
    config = {"lstm_cell_size": 8, "dense_layers": [6, 7]}
    ours, theirs = (
        cls(observation_space=obs, action_space=act, model_config=config)
        for cls in both("rl_modules.classes.lstm_containing_rlm", name)
    )
    assert ours.load_state_dict(theirs.state_dict()).missing_keys == []
    state = {k: torch.as_tensor(v)[None].repeat(4, 1) for k, v in ours.get_initial_state().items()}
    batch = {"obs": torch.randn(4, 6, 5), "state_in": state}
    equal(ours.forward_train(batch), theirs.forward_train(batch))
    equal(ours.forward_inference(batch), theirs.forward_inference(batch))
    assert torch.equal(ours.compute_values(batch), theirs.compute_values(batch))


def test_tiny_atari_cnn_with_target_networks():
    obs, act = gym.spaces.Box(-1, 1, (42, 42, 4), np.float32), gym.spaces.Discrete(4)
    ours, theirs = (
        cls(observation_space=obs, action_space=act, model_config={})
        for cls in both("rl_modules.classes.tiny_atari_cnn_rlm", "TinyAtariCNN")
    )
    ours.load_state_dict(theirs.state_dict())
    batch = {"obs": torch.randn(2, 42, 42, 4)}
    equal(ours.forward_train(batch), theirs.forward_train(batch))
    for module in (ours, theirs):
        module.make_target_networks()
    equal(ours.forward_target(batch), theirs.forward_target(batch))
    assert torch.equal(ours.compute_values(batch), theirs.compute_values(batch))


def test_mobilenet_wiring_with_a_net_of_our_own():
    with ray_names(ray=False):
        from ray.rllib.core.models.configs import ActorCriticEncoderConfig
        from ray.rllib.examples._old_api_stack.models.mobilenet_v2_encoder import (
            MOBILENET_INPUT_SHAPE,
            MobileNetV2EncoderConfig,
        )

    def net():
        return torch.nn.Sequential(
            torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1000)
        )

    encoder = ActorCriticEncoderConfig(
        base_encoder_config=MobileNetV2EncoderConfig(network=net)
    ).build(framework="torch")
    out = encoder({"obs": torch.rand(2, *MOBILENET_INPUT_SHAPE)})
    assert out["encoder_out"]["actor"].shape == (2, 1000)
    assert not any(p.requires_grad for p in encoder.parameters())


def test_copies_of_cartpole_step_as_rays():
    from ray.rllib.env.multi_agent_env import make_multi_agent as rays

    ours, theirs = make_multi_agent("CartPole-v1"), rays("CartPole-v1")
    ours, theirs = (make({"num_agents": 2}) for make in (ours, theirs))
    assert str(ours.reset(seed=4)) == str(theirs.reset(seed=4))
    for step in range(60):
        action = {i: 1 if i or step % 3 == 0 else 0 for i in (0, 1) if i not in ours._over}
        a, b = ours.step(action), theirs.step(action)
        assert [str(part) for part in a] == [str(part) for part in b]
        if a[2]["__all__"]:
            return
    pytest.fail("no episode ended")


def test_random_env_checks_its_actions():
    with ray_names(ray=False):
        from ray.rllib.examples.envs.classes.random_env import RandomEnv
    env = RandomEnv({"check_action_bounds": True, "max_episode_len": 3, "p_terminated": 0.0})
    env.reset(seed=1)
    assert [env.step(1)[3] for _ in range(3)] == [False, False, True]
    with pytest.raises(ValueError, match="got 7"):
        env.step(7)


def test_mobilenet_without_torchvision_or_its_weights_says_what_to_give(monkeypatch):
    import sys
    from types import ModuleType
    from typing import Any

    from rlmigrate.compat.names.examples.mobilenet import MobileNetV2EncoderConfig
    from rlmigrate.errors import ModuleError

    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(ModuleError, match=r"pip install torchvision.*network=make_net"):
        MobileNetV2EncoderConfig().build()

    def unreachable(weights: str) -> Any:
        raise OSError(f"no route to the {weights} weights")

    offline: Any = ModuleType("torchvision.models")
    offline.mobilenet_v2 = unreachable
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", offline)
    with pytest.raises(ModuleError, match=r"no route.*network=make_net"):
        MobileNetV2EncoderConfig().build()
