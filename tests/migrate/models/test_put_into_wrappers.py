"""A config that puts a custom model into RLlib's LSTM or attention net, before and after."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

pytest.importorskip("ray.rllib")

CODE = """
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Encoder(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, width=5):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.num_outputs = num_outputs or width
        self.body = nn.Linear(obs_space.shape[0], self.num_outputs)

    def forward(self, input_dict, state, seq_lens):
        return torch.tanh(self.body(input_dict["obs_flat"].float())), state


def config():
    return PPOConfig().environment("CartPole-v1").training(
        model={
            "custom_model": Encoder,
            "custom_model_config": {"width": 6},
            "KEY": True,
            "max_seq_len": 4,
        }
    )
"""


@pytest.mark.parametrize("key", ["use_lstm", "use_attention"])
def test_class_is_bridged_and_its_net_is_that_of_the_config(tmp_path: Path, key: str) -> None:
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    from rlmigrate import Status, check_parity

    code = CODE.replace("KEY", key)
    path = tmp_path / "model.py"
    path.write_text(code)
    index = RepoIndex.build([path], Settings())
    outcome = rewrite(SourceFile.read(path), index, Settings(), list(all_rules().values()))
    assert {i.outcome for i in outcome.items if i.name in ("Encoder", "custom_model")} == {
        "bridged"
    }
    old: dict = {}
    exec(code, old)
    new: dict = {}
    exec((outcome.after or b"").decode(), new)
    spec = new["config"]().rl_module_spec
    assert spec.model_config == {
        "custom_model_config": {"width": 6},
        key: True,
        "max_seq_len": 4,
        "vf_share_layers": False,
    }
    space, actions = gym.spaces.Box(-1, 1, (4,), np.float32), gym.spaces.Discrete(3)
    module = RLModuleSpec(
        module_class=spec.module_class,
        model_config=spec.model_config,
        observation_space=space,
        action_space=actions,
    ).build()
    settings = {**MODEL_DEFAULTS, **spec.model_config, "custom_model": old["Encoder"]}
    model = ModelCatalog.get_model_v2(space, actions, 3, settings, framework="torch")
    module.load_state_dict({f"legacy_model.{k}": v for k, v in model.state_dict().items()})
    report = check_parity(model, module, observation_space=space, action_space=actions)
    assert report.status is Status.PASS
