"""Rewrite and compare the pairs in fixtures/tf_models; run by test_tf_pairs.py.

A process of its own, because TensorFlow chooses its Keras when it is imported. Prints one JSON
object: name to null, or to what went wrong.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import tree
from checking import report
from gymnasium.spaces import Box, Discrete

sys.path.insert(0, str(Path(__file__).parent))

FOLDER = Path(__file__).parents[3] / "fixtures" / "tf_models"
VECTOR = Box(-1, 1, (4,), np.float32)
DICT = gym.spaces.Dict(
    {"grid": Box(0, 9, (2, 2), np.int8), "position": VECTOR, "room": Discrete(3)}
)
MASKED = gym.spaces.Dict({"action_mask": Box(0, 1, (3,), np.int8), "position": VECTOR})
SPACES = {
    "dict_observation": DICT,
    "helpers_of_rllib": DICT,
    "image": Box(0, 255, (6, 6, 3), np.uint8),
    "inherits_dense_net": MASKED,
    "inherits_vision_net": Box(0, 1, (42, 42, 3), np.float32),
    "mask_under_logits": MASKED,
    "nested_dense": MASKED,
    "nested_vision": Box(0, 1, (42, 42, 3), np.float32),
    "normc_and_discrete_observation": Discrete(5),
}
SEQUENCES, STEPS = 2, 3
ACTIONS = {"continuous": Box(-1, 1, (2,), np.float32)}
CUSTOM = {
    "forward_helpers": {"scale": 0.5},
    "recurrent": {"cells": 5},
    "separate_value": {"width": 6},
    "subclassed_keras_model": {"width": 5},
    "textbook": {"width": 7},
}


def check(name: str) -> None:
    """Rewrite one pair, and compare outputs and values on equal weights."""
    import tensorflow as tf
    from conftest import Migration
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    from rlmigrate.migrate.settings import Settings
    from rlmigrate.new_stack import RLModuleSpec

    text = (FOLDER / name / "before.py").read_text()
    obs_space, actions = SPACES.get(name, VECTOR), ACTIONS.get(name, Discrete(3))
    custom = CUSTOM.get(name, {})
    with tempfile.TemporaryDirectory() as folder:
        done = Migration(Path(folder), {"model.py": text}, Settings(target="builtin"))
        assert done.items["Policy"].outcome == "native", done.items["Policy"].message
        assert "ray" not in done.text("model.py").split(), "names Ray"
        if name == "names_of_keras":  # RLlib's try_import_tf() gives three modules now
            before = Path(folder) / "before" / "model.py"
            before.write_text(text.replace("tf = try", "_, tf, _ = try"))
        old_class, new_class = done.old("model.py").Policy, done.new("model.py").Policy
    settings = {**MODEL_DEFAULTS, "custom_model_config": custom}
    _, size = ModelCatalog.get_action_dist(actions, settings, framework="tf2")
    prep = ModelCatalog.get_preprocessor_for_space(obs_space)
    # Not by get_model_v2(), which fails on registered variables: they cannot be hashed in TF 2.
    taken = inspect.signature(old_class).parameters
    named = {key: value for key, value in custom.items() if key in taken}
    old = old_class(prep.observation_space, actions, int(size), settings, "old", **named)
    new = RLModuleSpec(
        module_class=new_class,
        observation_space=obs_space,
        action_space=actions,
        model_config=custom,
    ).build()
    obs_space.seed(0)
    samples = [obs_space.sample() for _ in range(SEQUENCES * STEPS)]
    flat = tf.constant(np.stack([prep.transform(each) for each in samples]).astype(np.float32))
    batch: dict[str, Any] = {"obs": tree.map_structure(lambda *each: np.stack(each), *samples)}
    states = [np.asarray(s) for s in old.get_initial_state()]
    states = [np.full((SEQUENCES, *s.shape), 0.3, np.float32) for s in states]
    if states:

        def timed(rows: Any) -> Any:
            return rows.reshape(SEQUENCES, STEPS, *rows.shape[1:])

        initial = new.get_initial_state()
        batch = {"obs": tree.map_structure(timed, batch["obs"])}
        batch["state_in"] = dict(zip(initial, states, strict=True))
        batch["seq_lens"] = np.array([STEPS, 1], np.int32)
    lengths = tf.constant(batch["seq_lens"]) if states else None
    given = [tf.constant(s) for s in states]
    old({"obs": flat}, list(given), lengths)
    new.forward_train(batch)
    weights = _weights(old)
    assert [w.shape for w in weights] == [w.shape for w in new.weights], "other weights"
    for mine, theirs in zip(new.weights, weights, strict=True):
        mine.assign(theirs)
    logits, after = old({"obs": flat}, list(given), lengths)
    values = old.value_function()
    for forward in (new.forward_inference, new.forward_exploration, new.forward_train):
        outs = forward(batch)
        _same(outs["action_dist_inputs"], logits)
        if states:
            for mine, theirs in zip(outs["state_out"].values(), after, strict=True):
                _same(mine, theirs)
    if states:  # what connectors pad beyond the longest sequence is not seen
        padded = tree.map_structure(lambda a: np.concatenate([a, a[:, :2]], 1), batch["obs"])
        long = new.forward_train({**batch, "obs": padded})
        _same(long["action_dist_inputs"][:, :STEPS], logits)
        _same(new.compute_values({**batch, "obs": padded})[:, :STEPS], values)
        _same(next(iter(long["state_out"].values())), after[0])
    _same(new.compute_values(batch), values)
    _same(new.compute_values(batch, outs.get("embeddings")), values)
    if hasattr(new, "custom_loss"):
        inputs = {"advantages": tf.constant([0.5, 2.0])}
        _same(new.custom_loss(tf.constant(1.5), inputs), old.custom_loss(tf.constant(1.5), inputs))
        _same(new.compute_metrics()["penalty"], old.metrics()["penalty"])
    drawn = new.get_inference_action_dist_cls().from_logits(outs["action_dist_inputs"]).sample()
    assert np.asarray(drawn).shape[: 1 + bool(states)] == np.shape(outs["action_dist_inputs"])[:-1]


def _same(mine: Any, theirs: Any) -> None:
    np.testing.assert_array_equal(np.reshape(mine, np.shape(theirs)), theirs)


def _weights(model: object) -> list[Any]:
    """The weights of the Keras models that an old model holds, in the order of its attributes."""
    import tensorflow as tf

    found: list[Any] = []
    for value in vars(model).values():
        if isinstance(value, tf.keras.Model):
            found += value.weights
        elif hasattr(value, "register_variables"):  # a net of RLlib
            found += _weights(value)
    return found


if __name__ == "__main__":
    report({name: partial(check, name) for name in sys.argv[1:]})
