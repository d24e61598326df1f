"""Convert SAC policies of Ray 2.60 in TF2; run by test_convert_tf_sac.py on legacy Keras.

Ray's continuous policies need tensorflow_probability to be made; the class that they would use is
replaced by ours, which gives the same numbers (tests/new_stack/tf). Prints one JSON object: check
name to null, or to what went wrong.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from checking import report
from ray.rllib.algorithms.sac import SACConfig, sac_tf_policy
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.utils.framework import try_import_tf

from rlmigrate import convert_checkpoint
from rlmigrate.legacy.distributions.tf import SquashedGaussian

tf1, tf, _ = try_import_tf()
tf1.enable_eager_execution()
sac_tf_policy.SquashedGaussian = SquashedGaussian
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
BOX, DISCRETE = gym.spaces.Box(-1, 1, (2,), np.float32), gym.spaces.Discrete(3)
DISCRETE.n = 3  # type: ignore[assignment]  # Keras wants no numpy's
ROWS = np.random.default_rng(0).uniform(-1, 1, (100, 4)).astype(np.float32)
SMALL = {"policy_model_config": {"fcnet_hiddens": [8, 6]}, "q_model_config": {"fcnet_hiddens": [7]}}
CASES: dict[str, tuple[gym.Space[Any], dict[str, Any]]] = {
    "box": (BOX, SMALL),
    "one_critic": (BOX, {**SMALL, "twin_q": False, "target_entropy": -1.5}),
    "discrete": (DISCRETE, SMALL),
    "activation": (BOX, {**SMALL, "policy_model_config": {"fcnet_activation": "tanh"}}),
}


def check(actions: gym.Space[Any], settings: dict[str, Any]) -> None:
    """Export one policy, convert it, and compare its outputs and greedy actions."""
    config = SACConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    config.framework("tf2").environment(observation_space=OBS, action_space=actions)
    values = {**config.to_dict(), "lr": 3e-4}
    for key, value in settings.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    policy: Any = sac_tf_policy.SACTFPolicy.as_eager()(OBS, actions, values)
    rng = np.random.default_rng(1)
    policy.set_weights(
        [rng.normal(scale=0.4, size=w.shape).astype(np.float32) for w in policy.get_weights()]
    )
    with tempfile.TemporaryDirectory() as folder:
        policy.export_checkpoint(f"{folder}/old")
        report = convert_checkpoint(f"{folder}/old", f"{folder}/new")
        assert report.ok, report.policies[0].notes
        module: Any = RLModule.from_checkpoint(f"{folder}/new")
    expected, _, info = policy.compute_actions(ROWS, explore=False)
    assert len(np.unique(expected)) > 1
    outputs = module.forward_inference({"obs": torch.as_tensor(ROWS)})["action_dist_inputs"]
    np.testing.assert_allclose(outputs, info["action_dist_inputs"], rtol=1e-5, atol=1e-5)
    dist = module.get_inference_action_dist_cls().from_logits(outputs)
    found = dist.to_deterministic().sample().numpy()
    np.testing.assert_allclose(found, expected, atol=0 if actions is DISCRETE else 5e-6)
    entropy = float(policy.model.target_entropy)
    assert abs(float(module.legacy_model.target_entropy) - entropy) < 1e-6


if __name__ == "__main__":
    report({name: partial(check, *case) for name, case in CASES.items()})
