"""Models whose configs switch RLlib's preprocessors off see what environments give."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")

MODEL = """
import torch
from torch import nn
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.rooms = nn.Embedding(obs_space["room"].n, 4)
        self.body = nn.Linear(obs_space["position"].shape[0], 4)
        self.pi = nn.Linear(8, num_outputs)
        self.vf = nn.Linear(8, 1)

    def forward(self, input_dict, state, seq_lens):
        seen = input_dict["obs"]
        parts = [torch.tanh(self.body(seen["position"])), self.rooms(seen["room"])]
        self._features = torch.cat(parts, dim=1)
        return self.pi(self._features), state

    def value_function(self):
        return self.vf(self._features).squeeze(1)
"""
OFF = """
from ray.rllib.algorithms.ppo import PPOConfig
from model import Policy

config = PPOConfig().experimental(_disable_preprocessor_api=True)
config.training(model={"custom_model": Policy})
"""
SPACE = gym.spaces.Dict(
    {"position": gym.spaces.Box(-1, 1, (3,), np.float32), "room": gym.spaces.Discrete(5)}
)
ACTIONS = gym.spaces.Discrete(3)


def test_parts_are_read_as_they_come(migrate) -> None:
    import torch
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    done = migrate({"model.py": MODEL, "train.py": OFF})
    assert done.items["Policy"].outcome == "native"
    assert "preprocess" not in done.text("model.py")
    config = {**MODEL_DEFAULTS, "custom_model": done.old("model.py").Policy}
    old = ModelCatalog.get_model_v2(SPACE, ACTIONS, 3, config, framework="torch", name="m")
    spec = RLModuleSpec(
        module_class=done.new("model.py").Policy,
        observation_space=SPACE,
        action_space=ACTIONS,
        model_config={},
    )
    new = spec.build()
    new.load_state_dict(old.state_dict())
    obs = {"position": torch.randn(5, 3), "room": torch.tensor([0, 4, 1, 1, 3])}
    with torch.no_grad():
        out, _ = old({"obs": obs})
        batch = {"obs": obs}
        assert torch.equal(new.forward_inference(batch)["action_dist_inputs"], out)
        assert torch.equal(new.compute_values(batch), old.value_function())


def test_flat_ones_stay_with_the_old_model(migrate) -> None:
    flat = MODEL.replace('input_dict["obs"]', 'input_dict["obs_flat"]')
    done = migrate({"model.py": flat, "train.py": OFF})
    assert done.items["Policy"].outcome == "bridged"
