"""Checks of the plain Keras nets and sequence helpers; run by test_tf_layers.py.

Keras is chosen when TensorFlow is imported. The oracle is Ray's own net on legacy Keras, and ours
of `legacy/`, which tests/legacy/tf compares with Ray's, on Keras 3. Prints one JSON object: check
name to null, or to what went wrong.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf
from checking import report

from rlmigrate.legacy.catalog import MODEL_DEFAULTS
from rlmigrate.new_stack.layers.on_tf.fully_connected import TfFullyConnectedNetwork
from rlmigrate.new_stack.layers.on_tf.sequences import (
    tf_add_time_dimension,
    tf_cut_padding,
    tf_flat_sequences,
    tf_fold_time,
    tf_name_states,
    tf_state_out,
    tf_unfold_outputs,
    tf_unfold_values,
)
from rlmigrate.new_stack.layers.on_tf.vision import TfVisionNetwork

if os.environ["TF_USE_LEGACY_KERAS"] == "1":
    from ray.rllib.models.tf.fcnet import FullyConnectedNetwork
    from ray.rllib.models.tf.visionnet import VisionNetwork
else:
    from rlmigrate.legacy.models.tf.fcnet import FullyConnectedNetwork
    from rlmigrate.legacy.models.tf.visionnet import VisionNetwork

VECTOR = gym.spaces.Box(-1, 1, (5,), np.float32)
MATRIX = gym.spaces.Box(-1, 1, (2, 3), np.float32)
IMAGE = gym.spaces.Box(0, 1, (10, 10, 3), np.float32)
PIXEL = [[4, [5, 5], 2], [6, [5, 5], 2]]
ENDS = [*PIXEL[:1], [6, [5, 5], 5]]
DENSE: dict[str, tuple[Any, int | None, dict[str, Any]]] = {
    "default": (VECTOR, 4, {}),
    "small": (VECTOR, 4, {"fcnet_hiddens": [7, 6], "fcnet_activation": "relu"}),
    "separate": (VECTOR, 4, {"fcnet_hiddens": [7], "vf_share_layers": False}),
    "post": (VECTOR, 4, {"fcnet_hiddens": [], "post_fcnet_hiddens": [6]}),
    "post_linear": (VECTOR, 4, {"fcnet_hiddens": [3], "fcnet_activation": "linear"}),
    "free": (VECTOR, 4, {"fcnet_hiddens": [7], "free_log_std": True}),
    "short": (VECTOR, 4, {"fcnet_hiddens": [7, 6], "no_final_linear": True}),
    "features": (VECTOR, None, {"fcnet_hiddens": [7, 6], "vf_share_layers": True}),
    "matrix": (MATRIX, 4, {"fcnet_hiddens": [7]}),
    "no_layers": (VECTOR, 4, {"fcnet_hiddens": []}),
}
CONVS: dict[str, tuple[Any, int | None, dict[str, Any]]] = {
    "default": (IMAGE, 4, {"conv_filters": ENDS}),
    "separate": (IMAGE, 4, {"conv_filters": ENDS, "vf_share_layers": False}),
    "tanh": (IMAGE, 4, {"conv_filters": ENDS, "conv_activation": "tanh"}),
    "post": (IMAGE, 4, {"conv_filters": ENDS, "post_fcnet_hiddens": [5, 3]}),
    "short": (IMAGE, 4, {"conv_filters": ENDS, "no_final_linear": True}),
    "short_post": (
        IMAGE,
        4,
        {"conv_filters": ENDS, "no_final_linear": True, "post_fcnet_hiddens": [5]},
    ),
    "features": (IMAGE, None, {"conv_filters": PIXEL}),
    "features_post": (IMAGE, None, {"conv_filters": PIXEL, "post_fcnet_hiddens": [5, 3]}),
    "features_separate": (IMAGE, None, {"conv_filters": ENDS, "vf_share_layers": False}),
    "sizes": (gym.spaces.Box(0, 1, (42, 42, 3), np.float32), 2, {}),
}


def equal_nets(old_class: type, new_class: type, case: tuple[Any, int | None, Any]) -> None:
    """Give both nets the same weights, by name; outputs and values must be the same."""
    space, outputs, config = case
    settings = {**MODEL_DEFAULTS, **config}
    old: Any = old_class(space, gym.spaces.Discrete(4), outputs, settings, "old")
    new: Any = new_class(space, outputs, config)
    names = [old_name(w) for w in new.base_model.weights]
    theirs = {old_name(w): w for w in old.base_model.weights}
    assert len(set(names)) == len(names)
    assert sorted(names) == sorted(theirs)
    rng = np.random.default_rng(0)
    for name, weight in zip(names, new.base_model.weights, strict=True):
        drawn = rng.normal(size=weight.shape).astype(np.float32) * 0.3
        weight.assign(drawn)
        theirs[name].assign(drawn)
    if new_class is TfFullyConnectedNetwork and new.log_std_var is not None:
        drawn = rng.normal(size=new.log_std_var.shape).astype(np.float32)
        new.log_std_var.assign(drawn)
        old.log_std_var.assign(drawn)
    obs = tf.constant(rng.uniform(-1, 1, (3, *space.shape)).astype(np.float32))
    expected, _ = old({"obs": obs}, [], None)
    np.testing.assert_array_equal(new(obs), expected)
    np.testing.assert_array_equal(new.value(obs), old.value_function())
    assert new.num_outputs == (outputs or old.num_outputs) == expected.shape[-1]


def old_name(weight: Any) -> str:
    """The name of a variable with its layer's, on either Keras."""
    return str(getattr(weight, "path", weight.name)).split(":")[0]


def check_folding() -> None:
    """Rows, states and seq_lens as the old stack had them, and back."""
    obs = {"a": np.arange(12, dtype=np.float32).reshape(2, 3, 2), "b": np.zeros((2, 3), np.int64)}
    batch = {"obs": obs, "state_in": {"state_0": np.ones((2, 4), np.float32)}}
    folded, states, lengths = tf_fold_time(batch)
    np.testing.assert_array_equal(folded["obs"]["a"], obs["a"].reshape(6, 2))
    np.testing.assert_array_equal(folded["obs"]["b"], np.zeros(6))
    np.testing.assert_array_equal(states[0], np.ones((2, 4)))
    np.testing.assert_array_equal(lengths, [3, 3])
    padded = {**batch, "seq_lens": np.array([2, 1])}
    cut, _, lengths = tf_fold_time(padded)
    assert lengths.numpy().tolist() == [2, 1]
    np.testing.assert_array_equal(cut["obs"]["a"], obs["a"][:, :2].reshape(4, 2))
    unfolded = tf_unfold_outputs(tf.ones([4, 5]), cut)
    np.testing.assert_array_equal(unfolded[:, :, 0], [[1, 1, 0], [1, 1, 0]])
    np.testing.assert_array_equal(tf_unfold_values(tf.ones([4]), padded), unfolded[:, :, 0])
    assert tf_cut_padding(tf_cut_padding(padded))["padded_to"] == 3
    rows = tf.reshape(tf.range(6.0), [6, 1])
    assert tf_unfold_outputs(rows, batch).shape == (2, 3, 1)
    assert tf_unfold_values(rows[:, 0], batch).shape == (2, 3)
    stateless = {"obs": obs}
    assert tf_fold_time(stateless) == (stateless, [], None)
    assert tf_unfold_outputs(rows, stateless) is rows
    assert tf_unfold_values(rows, stateless).shape == (6,)
    np.testing.assert_array_equal(
        tf_add_time_dimension(rows, [3, 3], time_major=True)[:, :, 0], [[0, 3], [1, 4], [2, 5]]
    )
    assert list(tf_name_states([rows, rows])) == ["state_0", "state_1"]
    assert tf_state_out([]) == {}
    assert list(tf_state_out([rows])["state_out"]) == ["state_0"]
    space = gym.spaces.Dict({"a": gym.spaces.Box(0, 9, (2,)), "b": gym.spaces.Discrete(2)})
    flat = tf_flat_sequences(obs, space)
    np.testing.assert_array_equal(flat[0, 1], [2, 3, 1, 0])
    assert flat.shape == (2, 3, 4)


CHECKS: dict[str, Callable[[], None]] = {"folding": check_folding}
for _name, _case in DENSE.items():
    CHECKS[f"dense_{_name}"] = lambda case=_case: equal_nets(  # type: ignore[misc]
        FullyConnectedNetwork, TfFullyConnectedNetwork, case
    )
for _name, _case in CONVS.items():
    CHECKS[f"conv_{_name}"] = lambda case=_case: equal_nets(  # type: ignore[misc]
        VisionNetwork, TfVisionNetwork, case
    )


def alone(check: Callable[[], None]) -> None:
    tf.keras.backend.clear_session()
    check()


if __name__ == "__main__":
    report({name: partial(alone, check) for name, check in CHECKS.items()})
