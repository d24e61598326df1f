"""Models of Atari games: the finding names the wrapper, and the frames are what it says."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

MODEL = """from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Conv2d(obs_space.shape[2], 4, 8, stride=8)
        self.pi = nn.Linear(400, num_outputs)
        self.vf = nn.Linear(400, 1)

    def forward(self, input_dict, state, seq_lens):
        frames = input_dict["obs"].float().permute(0, 3, 1, 2) / 255.0
        self._features = self.body(frames).flatten(1)
        return self.pi(self._features), state

    def value_function(self):
        return self.vf(self._features).squeeze(1)


ModelCatalog.register_custom_model("net", Policy)
"""
TRAIN = """from ray.rllib.algorithms.ppo import PPOConfig
import model

config = PPOConfig().environment("{env}").training(model={{"custom_model": "net"}})
"""


@pytest.mark.parametrize("env", ["ALE/Pong-v5", "PongNoFrameskip-v4"])
def test_wrapper_is_named(migrate, env) -> None:
    item = migrate({"model.py": MODEL, "train.py": TRAIN.format(env=env)}).items["Policy"]
    assert item.outcome == "native"
    assert "wrap_deepmind" in item.message
    assert "wrap_atari_for_new_api_stack" in item.message


@pytest.mark.parametrize("env", ["CartPole-v1", "Pong-ramNoFrameskip-v4"])
def test_no_wrapper_is_named(migrate, env) -> None:
    item = migrate({"model.py": MODEL, "train.py": TRAIN.format(env=env)}).items["Policy"]
    assert "wrap_deepmind" not in item.message


def test_computes_the_same_on_such_frames(migrate, equal) -> None:
    pytest.importorskip("ray.rllib")
    done = migrate(MODEL)
    frames = gym.spaces.Box(0, 255, (84, 84, 4), np.uint8)
    old, new = (side("model.py").Policy for side in (done.old, done.new))
    equal(old, new, frames, gym.spaces.Discrete(6))


def test_the_wrapper_gives_them() -> None:
    pytest.importorskip("cv2")
    wrappers = pytest.importorskip("ray.rllib.env.wrappers.atari_wrappers")
    screen = gym.spaces.Box(0, 255, (210, 160, 3), np.uint8)

    class Game(gym.Env):
        observation_space, action_space = screen, gym.spaces.Discrete(2)
        ale = type("Ale", (), {"lives": lambda self: 1})()

        def get_action_meanings(self) -> list[str]:
            return ["NOOP", "UP"]

        def reset(self, *, seed=None, options=None):
            return screen.sample(), {}

        def step(self, action):
            return screen.sample(), 0.0, False, False, {}

    env = wrappers.wrap_deepmind(Game(), dim=84, framestack=True)
    obs, _ = env.reset()
    assert np.asarray(obs).shape == (84, 84, 4)
    assert np.asarray(obs).dtype == np.uint8
