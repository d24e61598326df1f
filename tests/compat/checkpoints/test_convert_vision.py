"""PPO's default vision nets: converted modules compute what the old policies computed."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint

ACTIONS = gym.spaces.Discrete(3)
FILTERS = [[4, [3, 3], 2], [5, [5, 5], 1]]


@pytest.mark.parametrize(
    ("shape", "model"),
    [
        ((10, 10, 3), {"conv_filters": FILTERS}),
        ((10, 10, 3), {"conv_filters": FILTERS, "vf_share_layers": True}),
        ((42, 42, 4), {}),  # the filters that the old catalog chose by the size
    ],
    ids=["separate", "shared", "default filters"],
)
def test_vision_net(shape, model, tmp_path):
    space = gym.spaces.Box(0.0, 1.0, shape, np.float32)
    config = PPOConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    config.framework("torch").environment(observation_space=space, action_space=ACTIONS)
    values = config.to_dict()
    values["model"] = {**values["model"], **model}
    torch.manual_seed(0)
    policy = PPOTorchPolicy(space, ACTIONS, values)
    policy.export_checkpoint(str(tmp_path / "old"))

    report = convert_checkpoint(tmp_path / "old", tmp_path / "out")
    assert report.ok, report.policies[0].notes
    rows = np.random.default_rng(0).uniform(0, 1, (20, *shape)).astype(np.float32)
    actions, _, info = policy.compute_actions(rows, explore=False)
    module: Any = RLModule.from_checkpoint(str(tmp_path / "out"))
    batch = {"obs": torch.as_tensor(rows)}
    logits = module.forward_inference(batch)["action_dist_inputs"]
    assert np.allclose(logits.numpy(), info["action_dist_inputs"], rtol=0, atol=1e-5)
    assert np.array_equal(logits.argmax(-1).numpy(), actions)
    values_found = module.compute_values(batch).detach().numpy()
    assert np.allclose(values_found, info["vf_preds"], rtol=0, atol=1e-5)
