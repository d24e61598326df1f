"""Compare policies of TensorFlow with the TfRLModules they become; run by test_tf_policies.py.

The old side is Ray's own EagerTFPolicyV2, on equal weights.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from checking import report
from gymnasium.spaces import Box, Discrete

sys.path.insert(0, str(Path(__file__).parent))

OBS = Box(-1.0, 1.0, (4,), np.float32)
MODEL = """import tensorflow as tf
from ray.rllib.models.tf.tf_action_dist import Categorical, DiagGaussian
from ray.rllib.models.tf.tf_modelv2 import TFModelV2
from ray.rllib.policy.eager_tf_policy_v2 import EagerTFPolicyV2
from ray.rllib.utils.annotations import override


class Net(TFModelV2):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        inputs = tf.keras.layers.Input(shape=obs_space.shape)
        hidden = tf.keras.layers.Dense(8, activation="tanh")(inputs)
        heads = [tf.keras.layers.Dense(num_outputs)(hidden), tf.keras.layers.Dense(1)(hidden)]
        self.base_model = tf.keras.Model(inputs, heads)

    def forward(self, input_dict, state, seq_lens):
        logits, self._value = self.base_model(input_dict["obs"])
        return logits, state

    def value_function(self):
        return tf.reshape(self._value, [-1])


class Policy(EagerTFPolicyV2):
    @override(EagerTFPolicyV2)
    def make_model(self):
        return Net(self.observation_space, self.action_space, SIZE, self.config["model"], "net")
"""
HOOKS = {
    "model": "",
    "colder": """
    @override(EagerTFPolicyV2)
    def action_distribution_fn(self, model, obs_batch, state_batches, **kwargs):
        logits, state = model({"obs": obs_batch}, state_batches, None)
        return logits / 0.5, Categorical, state
""",
    "explores": """
    @override(EagerTFPolicyV2)
    def action_distribution_fn(self, model, *, obs_batch, state_batches, explore=None, **kwargs):
        logits, state = model({"obs": obs_batch}, state_batches, kwargs.get("seq_lens"))
        if explore:
            logits = logits * 0.25
        return logits, Categorical, state
""",
    "mask": """
    @override(EagerTFPolicyV2)
    def action_distribution_fn(self, model, *, obs_batch, state_batches, **kwargs):
        logits, state = model({"obs": obs_batch}, state_batches, None)
        allowed = tf.cast(obs_batch[:, :3] > -0.9, tf.float32)
        return logits + tf.maximum(tf.math.log(allowed), tf.float32.min), Categorical, state
""",
    "sampler": """
    @override(EagerTFPolicyV2)
    def action_sampler_fn(self, model, *, obs_batch, state_batches=None, **kwargs):
        logits, state = model({"obs": obs_batch}, [], None)
        dist = Categorical(logits, model)
        if kwargs["explore"]:
            actions = dist.sample()
        else:
            actions = dist.deterministic_sample()
        return actions, dist.logp(actions), logits, state
""",
    "continuous": """
    @override(EagerTFPolicyV2)
    def action_distribution_fn(self, model, *, obs_batch, state_batches, **kwargs):
        out, state = model({"obs": obs_batch}, state_batches, None)
        mean, spread = tf.split(out, 2, axis=1)
        return tf.concat([tf.tanh(mean), spread - 1.0], axis=1), DiagGaussian, state
""",
}
SIZES = {"continuous": "2 * self.action_space.shape[0]"}
ACTIONS: dict[str, gym.Space[Any]] = {"continuous": Box(-2.0, 3.0, (2,), np.float32)}


def check(name: str) -> None:
    """Rewrite one policy, and compare inputs of distributions, probabilities and actions."""
    import tensorflow as tf
    from conftest import Migration
    from ray.rllib.models.catalog import MODEL_DEFAULTS

    from rlmigrate.migrate.settings import Settings
    from rlmigrate.new_stack import RLModuleSpec

    text = MODEL.replace("SIZE", SIZES.get(name, "self.action_space.n")) + HOOKS[name]
    actions = ACTIONS.get(name, Discrete(3))
    with tempfile.TemporaryDirectory() as folder:
        done = Migration(Path(folder), {"model.py": text}, Settings(target="builtin"))
        item = done.items["Policy"]
        assert item.outcome == "native", item.message
        assert "ray" not in done.text("model.py").split(), done.text("model.py")
        assert "import torch" not in done.text("rlmigrate_layers.py")
        old_class, new_class = done.old("model.py").Policy, done.new("model.py").Policy
    config = {
        "framework": "tf2",
        "eager_tracing": False,
        "explore": True,
        "normalize_actions": True,
        "num_gpus": 0,
        "num_env_runners": 0,
        "worker_index": 0,
        "train_batch_size": 32,
        "_disable_preprocessor_api": False,
        "_disable_action_flattening": False,
        "in_evaluation": False,
        "output": None,
        "_tf_policy_handles_more_than_one_loss": False,
        "exploration_config": {"type": "StochasticSampling"},
        "model": dict(MODEL_DEFAULTS),
    }
    old = old_class(OBS, actions, config)
    spec = RLModuleSpec(module_class=new_class, observation_space=OBS, action_space=actions)
    new = spec.build()
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    batch = {"obs": tf.constant(x)}
    new.forward_train(batch)
    rng = np.random.default_rng(1)
    for mine, theirs in zip(new.weights, old.model.base_model.weights, strict=True):
        drawn = rng.normal(size=mine.shape).astype(np.float32)
        mine.assign(drawn)
        theirs.assign(drawn)
    for explore in (False, True):
        taken, _, info = old.compute_actions_from_input_dict({"obs": x}, explore=explore)
        forward = new.forward_exploration if explore else new.forward_inference
        outs = forward(batch)
        _close(outs["action_dist_inputs"], info["action_dist_inputs"])
        dist_cls = (
            new.get_exploration_action_dist_cls()
            if explore
            else new.get_inference_action_dist_cls()
        )
        dist = dist_cls.from_logits(outs["action_dist_inputs"])
        if explore or "actions" in outs:  # Ray says 0 of actions that its strategy did not draw
            _close(dist.logp(tf.constant(taken)), info["action_logp"])
        if not explore:
            best = outs.get("actions")
            best = dist.to_deterministic().sample() if best is None else best
            np.testing.assert_allclose(best, taken, rtol=1e-6, atol=1e-6)
        if "actions" in outs:
            _close(outs["action_logp"], dist.logp(outs["actions"]))
    _close(new.compute_values(batch), old.model.value_function())


def _close(mine: Any, theirs: Any) -> None:
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)


if __name__ == "__main__":
    report({name: partial(check, name) for name in sys.argv[1:] or HOOKS})
