"""Convert DQN policies of Ray 2.60 in TF2; run by test_convert_tf_dqn.py on legacy Keras.

Prints one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from checking import report
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.dqn.dqn_tf_policy import DQNTFPolicy
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.utils.framework import try_import_tf

from rlmigrate import convert_checkpoint

tf1, tf, _ = try_import_tf()
tf1.enable_eager_execution()
OBS, ACTIONS = gym.spaces.Box(-1, 1, (4,), np.float32), gym.spaces.Discrete(3)
ACTIONS.n = 3  # type: ignore[assignment]  # Keras wants no numpy's
ROWS = np.random.default_rng(0).uniform(-1, 1, (100, 4)).astype(np.float32)
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "dueling": ({"model": {"fcnet_hiddens": [8, 6]}, "hiddens": [5]}, "DefaultDQNTorchRLModule"),
    "deep": ({"model": {"fcnet_hiddens": [8]}, "hiddens": [5, 7]}, "DefaultDQNTorchRLModule"),
    "plain": (
        {"model": {"fcnet_hiddens": [8, 6]}, "hiddens": [5], "dueling": False},
        "DefaultDQNTorchRLModule",
    ),
    "atoms": ({"model": {"fcnet_hiddens": [8]}, "num_atoms": 4, "v_min": -3.0}, "DefaultQModel"),
}


def check(settings: dict[str, Any], kind: str) -> None:
    """Export one policy, convert it, and compare its greedy actions."""
    config = DQNConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    config.framework("tf2").environment(observation_space=OBS, action_space=ACTIONS)
    values = config.to_dict()
    for key, value in settings.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    policy: Any = DQNTFPolicy.as_eager()(OBS, ACTIONS, values)
    rng = np.random.default_rng(1)
    policy.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in policy.get_weights()])
    with tempfile.TemporaryDirectory() as folder:
        policy.export_checkpoint(f"{folder}/old")
        report = convert_checkpoint(f"{folder}/old", f"{folder}/new")
        assert report.ok, report.policies[0].notes
        assert report.policies[0].module_class.endswith(kind), report.policies[0].notes
        module: Any = RLModule.from_checkpoint(f"{folder}/new")
    expected = np.asarray(policy.compute_actions(ROWS, explore=False)[0])
    assert len(set(expected.tolist())) > 1
    batch = {"obs": torch.as_tensor(ROWS)}
    assert np.array_equal(module.forward_inference(batch)["actions"].numpy(), expected)


if __name__ == "__main__":
    report({name: partial(check, *case) for name, case in CASES.items()})
