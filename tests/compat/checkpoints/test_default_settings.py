"""Activations of default nets where a checkpoint's config tells a part."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.compat.checkpoints.defaults import activation_of
from rlmigrate.compat.checkpoints.plans import plan_for
from rlmigrate.compat.checkpoints.reading import OldPolicy


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({}, "tanh"),
        ({"free_log_std": False}, "tanh"),  # params.json of 1.x holds only what was set
        ({"fcnet_hiddens": [8]}, "tanh"),
        ({"fcnet_hiddens": [8], "post_fcnet_activation": "swish"}, "tanh"),
        ({"fcnet_activation": "swish"}, "swish"),
        ({"fcnet_hiddens": []}, "relu"),
        ({"fcnet_hiddens": [], "fcnet_activation": "swish"}, "relu"),
        ({"fcnet_hiddens": [], "post_fcnet_activation": "swish"}, "swish"),
    ],
)
def test_activation_of_a_dense_net(model, expected):
    assert activation_of(model) == expected
    weights = {
        f"{layer}._model.0.{part}": np.zeros((3,) * (2 if part == "weight" else 1), np.float32)
        for layer in ("_hidden_layers.0", "_logits", "_value_branch")
        for part in ("weight", "bias")
    }
    spaces = gym.spaces.Box(-1, 1, (3,), np.float32), gym.spaces.Discrete(3)
    plan = plan_for(OldPolicy("p", weights, *spaces, config={"model": model}))
    assert plan.kind == "default"
    assert plan.config["fcnet_activation"] == expected
