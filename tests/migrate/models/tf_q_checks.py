"""Compare DQN's TF models with what they become; run by test_native_tf_q_models.py.

A process of its own, because TensorFlow chooses its Keras when it is imported. Prints one JSON
object: case to null, or to what went wrong.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import tree
from checking import report
from gymnasium.spaces import Box, Discrete, MultiBinary

sys.path.insert(0, str(Path(__file__).parent))

OBS = Box(-1, 1, (4,), np.float32)
MASKED = gym.spaces.Dict(
    {"action_mask": MultiBinary(3), "cart": OBS, "choices": Box(-1, 1, (3, 2), np.float32)}
)
ACTIONS = Discrete(3)
ROWS = 10

BODY = """import tensorflow as tf
from ray.rllib.algorithms.dqn.distributional_q_tf_model import DistributionalQTFModel
from ray.rllib.utils.annotations import override


class Policy(DistributionalQTFModel):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, **kw):
        super().__init__(obs_space, action_space, num_outputs, model_config, name, **kw)
        inputs = tf.keras.layers.Input(shape=obs_space.shape, name="observations")
        hidden = tf.keras.layers.Dense(8, activation="relu", name="hidden")(inputs)
        out = tf.keras.layers.Dense(num_outputs, activation="tanh", name="out")(hidden)
        self.base_model = tf.keras.Model(inputs, out)

    @override(DistributionalQTFModel)
    def forward(self, input_dict, state, seq_lens):
        return self.base_model(input_dict["obs"]), state

    def metrics(self):
        return {"units": tf.constant(8.0)}
"""
HEADS = (
    BODY
    + """
    @override(DistributionalQTFModel)
    def get_q_value_distributions(self, model_out):
        scores, logits, dist = self.q_value_head(2.0 * model_out)
        return scores, logits, dist
"""
)
MASKED_BODY = '''import tensorflow as tf
from gymnasium.spaces import Box
from ray.rllib.algorithms.dqn.distributional_q_tf_model import DistributionalQTFModel
from ray.rllib.models.tf.fcnet import FullyConnectedNetwork


class Policy(DistributionalQTFModel):
    """Scores each choice by what the net says about the cart."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name, size=2, **kw):
        super(Policy, self).__init__(
            obs_space, action_space, num_outputs, model_config, name, **kw
        )
        self.embed = FullyConnectedNetwork(
            Box(-1, 1, (4,)), action_space, size, model_config, name + "_embed"
        )

    def forward(self, input_dict, state, seq_lens):
        embedded, _ = self.embed({"obs": input_dict["obs"]["cart"]})
        scores = tf.reduce_sum(input_dict["obs"]["choices"] * tf.expand_dims(embedded, 1), axis=2)
        mask = tf.maximum(tf.math.log(input_dict["obs"]["action_mask"]), tf.float32.min)
        return scores + mask, state

    def value_function(self):
        return self.embed.value_function()
'''
DESCRIBED = '''import tensorflow as tf
from gymnasium.spaces import Box
from ray.rllib.algorithms.dqn.distributional_q_tf_model import DistributionalQTFModel
from ray.rllib.models.tf.fcnet import FullyConnectedNetwork


class Policy(DistributionalQTFModel):
    """A Keras model around a net of RLlib."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name, **kw):
        super().__init__(obs_space, action_space, num_outputs, model_config, name, **kw)
        cart = tf.keras.layers.Input(shape=(4,), name="cart")
        mask = tf.keras.layers.Input(shape=(3,), name="mask")
        self.embed = FullyConnectedNetwork(
            Box(-1, 1, (4,)), action_space, 2, model_config, name + "_embed"
        )
        embedded, _ = self.embed({"obs": cart})
        worth = self.embed.value_function()
        scores = tf.keras.layers.Dense(3, name="scores")(embedded) + tf.expand_dims(worth, 1)
        self.scorer = tf.keras.Model([cart, mask], [scores * mask, worth])

    def forward(self, input_dict, state, seq_lens):
        obs = input_dict["obs"]
        scores, self._worth = self.scorer([obs["cart"], obs["action_mask"]])
        return scores + tf.maximum(tf.math.log(obs["action_mask"]), tf.float32.min), state

    def value_function(self):
        return self._worth
'''
CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "no hidden layers": (BODY, OBS, {"dueling": False, "hiddens": []}),
    "hidden layers": (BODY, OBS, {"dueling": False, "hiddens": [16, 8]}),
    "dueling": (BODY, OBS, {}),
    "dueling atoms": (BODY, OBS, {"num_atoms": 5}),
    "atoms": (BODY, OBS, {"num_atoms": 5, "dueling": False, "double_q": False}),
    "noisy": (BODY, OBS, {"noisy": True, "hiddens": [6]}),
    "heads of its own": (HEADS, OBS, {"dueling": False}),
    "masks": (MASKED_BODY, MASKED, {"dueling": False, "hiddens": []}),
    "a net described": (DESCRIBED, MASKED, {"dueling": False, "hiddens": []}),
    "masks in a dueling net": (MASKED_BODY, MASKED, {"dueling": True, "hiddens": []}),
}


def check(text: str, space: Any, settings: dict[str, Any]) -> None:
    """Rewrite a model, and compare Q-values, actions and training outputs on equal weights."""
    import tensorflow as tf
    from conftest import Migration
    from ray.rllib.algorithms.dqn.dqn_tf_policy import compute_q_values
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    from rlmigrate.migrate.settings import Settings
    from rlmigrate.new_stack import RLModuleSpec
    from rlmigrate.new_stack.apis import QNetAPI, TargetNetworkAPI

    with tempfile.TemporaryDirectory() as folder:
        done = Migration(Path(folder), {"model.py": text}, Settings(target="builtin"))
        assert done.items["Policy"].outcome == "native", done.items["Policy"].message
        assert "import torch" not in done.text("rlmigrate_layers.py")
        assert "import ray" not in done.text("model.py")
        old_class, new_class = done.old("model.py").Policy, done.new("model.py").Policy
    full = {"dueling": True, "num_atoms": 1, "noisy": False, "hiddens": [256], **settings}
    hiddens = full["hiddens"]
    prep = ModelCatalog.get_preprocessor_for_space(space)
    config = {**MODEL_DEFAULTS, "fcnet_hiddens": [8], "no_final_linear": bool(hiddens)}
    old = old_class(
        prep.observation_space,
        ACTIONS,
        8 if hiddens else 3,
        config,
        "q_func",
        q_hiddens=hiddens,
        dueling=full["dueling"],
        num_atoms=full["num_atoms"],
        use_noisy=full["noisy"],
    )
    new = RLModuleSpec(
        module_class=new_class,
        observation_space=space,
        action_space=ACTIONS,
        model_config={"fcnet_hiddens": [8], "epsilon": 0.0, **settings},
    ).build()
    assert isinstance(new, QNetAPI)
    assert isinstance(new, TargetNetworkAPI)
    space.seed(0)
    raw = [space.sample() for _ in range(ROWS)]
    for each in raw:
        if isinstance(each, dict):
            each["action_mask"][0] = 1
    flat = tf.constant(np.stack([prep.transform(each) for each in raw]).astype(np.float32))
    batch = {"obs": tree.map_structure(lambda *each: np.stack(each), *raw)}

    def expected() -> Any:
        policy = SimpleNamespace(config=full)
        return compute_q_values(policy, old, {"obs": flat}, explore=False)

    expected()
    new.compute_q_values(batch)
    weights = _weights(old)
    assert [w.shape for w in new.weights] == [w.shape for w in weights], "other weights"
    rng = np.random.default_rng(0)
    for mine, theirs in zip(new.weights, weights, strict=True):
        drawn = 0.5 * rng.normal(size=mine.shape).astype(np.float32)
        if "sigma" in theirs.name:
            drawn *= 0  # noise is drawn anew at each call
        mine.assign(drawn)
        theirs.assign(drawn)
    values, logits, probabilities, _ = expected()
    found = new.compute_q_values(batch)
    np.testing.assert_allclose(found["qf_preds"], values, rtol=1e-6, atol=1e-6)
    if full["num_atoms"] > 1:
        np.testing.assert_allclose(found["qf_logits"], logits, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(found["qf_probs"], probabilities, rtol=1e-6, atol=1e-6)
    greedy = np.argmax(values, axis=1)
    np.testing.assert_array_equal(new.forward_inference(batch)["actions"], greedy)
    np.testing.assert_array_equal(new.forward_exploration(batch, t=0)["actions"], greedy)
    new.make_target_networks()
    outs = new.forward_train({**batch, "new_obs": batch["obs"]})
    np.testing.assert_array_equal(outs["qf_preds"], outs["qf_target_next_preds"])
    assert ("qf_next_preds" in outs) == settings.get("double_q", True)
    before = np.array(outs["qf_target_next_preds"])
    for weight in new.weights:
        weight.assign(weight + 0.1)
    after = new.forward_train({**batch, "new_obs": batch["obs"]})
    np.testing.assert_array_equal(after["qf_target_next_preds"], before)
    assert not np.array_equal(after["qf_preds"], before)
    new.epsilon = 1.0
    drawn = np.stack([new.forward_exploration(batch)["actions"] for _ in range(20)])
    assert {0} < set(drawn.ravel().tolist()) <= {0, 1, 2}
    if isinstance(space, gym.spaces.Dict):
        for row, mask in enumerate(batch["obs"]["action_mask"]):
            assert all(mask[action] for action in drawn[:, row])


def _weights(model: object) -> list[Any]:
    """The weights of the Keras parts that an old model holds, in the order of its attributes."""
    import tensorflow as tf

    found: list[Any] = []
    for value in vars(model).values():
        if isinstance(value, tf.keras.Model):
            found += value.weights
        elif hasattr(value, "register_variables"):  # a net of RLlib
            found += _weights(value)
    return list({id(weight): weight for weight in found}.values())


if __name__ == "__main__":
    report({name: partial(check, *case) for name, case in CASES.items()})
