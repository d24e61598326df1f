"""Checks of TF models wrapped with DQN's heads; run by test_wrapped_tf_q.py.

The oracle is the function that Ray 2.60's DQN computes its Q-values with, on Ray's TF models
(legacy Keras) or on ours, which tests/legacy compares with Ray's (Keras 3). Prints one JSON object:
check name to null, or to what went wrong.
"""

from __future__ import annotations

import os
from functools import partial
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from checking import report
from ray.rllib.algorithms.dqn.dqn_tf_policy import compute_q_values

from rlmigrate import wrap_model
from rlmigrate.errors import ModuleError
from rlmigrate.new_stack import QNetAPI, RLModuleSpec, TargetNetworkAPI

if os.environ["TF_USE_LEGACY_KERAS"] == "1":
    from ray.rllib.models.tf.fcnet import FullyConnectedNetwork
    from ray.rllib.models.tf.tf_modelv2 import TFModelV2
else:
    from rlmigrate.legacy.models.tf import FullyConnectedNetwork, TFModelV2

OBS = gym.spaces.Box(-1, 1, (4,), np.float32)


class Masked(TFModelV2):  # type: ignore[misc, valid-type]
    """Forbids the first action, where Q-values are the model's own output."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inputs = tf.keras.layers.Input(shape=(4,))
        self.base_model = tf.keras.Model(inputs, tf.keras.layers.Dense(3)(inputs))

    def forward(self, input_dict: Any, state: Any, seq_lens: Any) -> Any:
        mask = tf.constant([tf.float32.min, 0.0, 0.0])
        return self.base_model(input_dict["obs"]) + mask, state


CASES: dict[str, tuple[type, dict[str, Any]]] = {
    "dueling": (FullyConnectedNetwork, {"hiddens": [5]}),
    "plain": (FullyConnectedNetwork, {"hiddens": [5], "dueling": False}),
    "atoms": (FullyConnectedNetwork, {"hiddens": [5], "num_atoms": 4}),
    "plain_atoms": (FullyConnectedNetwork, {"hiddens": [], "num_atoms": 1, "dueling": False}),
    "no_double": (FullyConnectedNetwork, {"hiddens": [5], "double_q": False}),
    "masked": (Masked, {"hiddens": [], "dueling": False}),
    "masked_dueling": (Masked, {"hiddens": [], "dueling": True}),
}


def check(name: str) -> None:
    """Compare one case: Q-values, actions, target network, training outputs."""
    model_class, settings = CASES[name]
    module: Any = RLModuleSpec(
        module_class=wrap_model(model_class, role="dqn"),
        observation_space=OBS,
        action_space=gym.spaces.Discrete(3),
        model_config={"fcnet_hiddens": [8, 6], "epsilon": [(0, 0.0)], **settings},
    ).build()
    assert isinstance(module, QNetAPI)
    assert isinstance(module, TargetNetworkAPI)
    rng = np.random.default_rng(0)
    for variable in module.weights:
        variable.assign(0.5 * rng.normal(size=variable.shape).astype(np.float32))
    assert len(module.named_variables()) == len(module.weights) > 1
    rows, after = rng.uniform(-1, 1, (2, 100, 4)).astype(np.float32)
    batch = {"obs": rows, "new_obs": after}
    config = {"num_atoms": settings.get("num_atoms", 1), "dueling": settings.get("dueling", True)}
    expected = [old_values(module.legacy_model, config, each) for each in (rows, after)]
    outs = module.compute_q_values(batch)
    np.testing.assert_array_equal(outs["qf_preds"], expected[0][0])
    if config["num_atoms"] > 1:
        np.testing.assert_array_equal(outs["qf_logits"], expected[0][1])
        np.testing.assert_array_equal(outs["qf_probs"], expected[0][2])
        assert outs["atoms"].shape == (4,)
    best = np.argmax(expected[0][0], axis=1)
    np.testing.assert_array_equal(module.forward_inference(batch)["actions"], best)
    np.testing.assert_array_equal(module.forward_exploration(batch, t=0)["actions"], best)
    with pytest.raises(ModuleError, match="make_target_networks"):
        module.forward_target(batch)
    module.make_target_networks()
    for variable in module.weights:
        variable.assign_add(tf.ones_like(variable) * 0.1)
    target = module.forward_target(batch)["qf_preds"]
    np.testing.assert_array_equal(target, expected[0][0])
    trained = module.forward_train(batch)
    np.testing.assert_array_equal(trained["qf_target_next_preds"], expected[1][0])
    assert not np.array_equal(trained["qf_preds"], expected[0][0])
    assert ("qf_next_preds" in trained) == settings.get("double_q", True)


def old_values(model: Any, config: dict[str, Any], rows: Any) -> Any:
    policy: Any = SimpleNamespace(config=config)
    return compute_q_values(policy, model, {"obs": tf.constant(rows)}, [], None)[:3]


def check_exploration_draws_what_is_allowed() -> None:
    module: Any = RLModuleSpec(
        module_class=wrap_model(Masked, role="dqn"),
        observation_space=OBS,
        action_space=gym.spaces.Discrete(3),
        model_config={"hiddens": [], "dueling": False, "epsilon": [(0, 1.0)]},
    ).build()
    actions = module.forward_exploration({"obs": np.zeros((300, 4), np.float32)}, t=0)["actions"]
    assert set(np.asarray(actions).tolist()) == {1, 2}
    with pytest.raises(ModuleError, match="Discrete action space"):
        RLModuleSpec(
            module_class=wrap_model(Masked, role="dqn"),
            observation_space=OBS,
            action_space=OBS,
            model_config={},
        ).build()


if __name__ == "__main__":
    report(
        {name: partial(check, name) for name in CASES}
        | {"exploration": check_exploration_draws_what_is_allowed}
    )
