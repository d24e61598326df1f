"""Default nets of DQN and SAC: what converted modules compute is what the old policies computed."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.dqn.dqn_torch_policy import DQNTorchPolicy
from ray.rllib.algorithms.sac import SACConfig
from ray.rllib.algorithms.sac.sac_torch_policy import SACTorchPolicy
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint

OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
NESTED = gym.spaces.Dict({"a": gym.spaces.Discrete(2), "b": OBS})
DISCRETE, BOX = gym.spaces.Discrete(3), gym.spaces.Box(-2, 2, (2,), np.float32)
ROWS = np.random.default_rng(0).uniform(-1, 1, (100, 4)).astype(np.float32)


def exported(
    make: Any, policy_class: type, actions: Any, folder: Any, settings: dict[str, Any]
) -> Any:
    config = make().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    config.framework("torch").environment(observation_space=OBS, action_space=actions)
    values = config.to_dict()
    for key, value in settings.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    torch.manual_seed(0)
    policy = policy_class(OBS, actions, values)
    policy.export_checkpoint(str(folder))
    return policy


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"model": {"fcnet_hiddens": [8, 6]}, "hiddens": [5]}, "DefaultDQNTorchRLModule"),
        (
            {
                "model": {"fcnet_hiddens": [8], "fcnet_activation": "relu"},
                "hiddens": [5, 7],
            },
            "DefaultDQNTorchRLModule",
        ),
        ({"model": {"fcnet_hiddens": [8]}, "dueling": False}, "DefaultDQNTorchRLModule"),
        (
            {"model": {"fcnet_hiddens": [8]}, "dueling": False, "num_atoms": 4, "v_max": 5.0},
            "DefaultDQNTorchRLModule",
        ),
        ({"model": {"fcnet_hiddens": [8]}, "hiddens": []}, "DefaultQModel"),
        ({"model": {"fcnet_hiddens": []}, "hiddens": [5]}, "DefaultDQNTorchRLModule"),
        ({"model": {"fcnet_hiddens": [8]}, "noisy": True}, "DefaultQModel"),
        ({"model": {"fcnet_hiddens": [8]}, "num_atoms": 4, "v_min": -3.0}, "DefaultQModel"),
    ],
)
def test_dqn(settings, kind, tmp_path):
    policy = exported(DQNConfig, DQNTorchPolicy, DISCRETE, tmp_path / "old", settings)
    report = convert_checkpoint(tmp_path / "old", tmp_path / "out")
    assert report.ok, report.policies[0].notes
    assert report.policies[0].module_class.endswith(kind)
    module: Any = RLModule.from_checkpoint(str(tmp_path / "out"))
    batch = {"obs": torch.as_tensor(ROWS)}
    torch.manual_seed(2)  # noisy layers draw
    actions, _, info = policy.compute_actions(ROWS, explore=False)
    torch.manual_seed(2)
    found = module.compute_q_values(batch)["qf_preds"].detach().numpy()
    torch.manual_seed(2)
    assert np.array_equal(module.forward_inference(batch)["actions"].numpy(), actions)
    assert np.allclose(found, info["q_values"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("actions", [BOX, DISCRETE], ids=["box", "discrete"])
def test_sac(actions, tmp_path):
    nets = {
        "policy_model_config": {"fcnet_hiddens": [8, 6]},
        "q_model_config": {"fcnet_hiddens": [7]},
    }
    policy = exported(SACConfig, SACTorchPolicy, actions, tmp_path / "old", nets)
    report = convert_checkpoint(tmp_path / "old", tmp_path / "out")
    assert report.ok, report.policies[0].notes
    assert report.policies[0].module_class.endswith("DefaultSacModel")
    assert "kept as the old SAC model" in report.policies[0].notes[0]
    greedy, _, info = policy.compute_actions(ROWS, explore=False)
    module: Any = RLModule.from_checkpoint(str(tmp_path / "out"))
    logits = module.forward_inference({"obs": torch.as_tensor(ROWS)})["action_dist_inputs"]
    assert np.array_equal(logits.numpy(), info["action_dist_inputs"])
    dist = module.get_inference_action_dist_cls().from_logits(logits)
    assert np.array_equal(dist.to_deterministic().sample().numpy(), greedy)
    rows = torch.as_tensor(ROWS)
    given = torch.as_tensor(greedy)
    values = module.compute_q_values({"obs": rows, "actions": given})
    old_actions = None if actions is DISCRETE else given
    critics = [policy.model.get_q_values, policy.model.get_twin_q_values]
    expected = torch.min(*(critic(rows, old_actions)[0] for critic in critics))
    assert torch.equal(values, expected.reshape(values.shape))
