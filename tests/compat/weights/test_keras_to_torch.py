"""Weights of named Keras layers load into torch layers of those names, by the report's mapping."""

from __future__ import annotations

import ast
import json

import numpy as np
import torch
from torch import nn

from rlmigrate import transfer_weights
from rlmigrate.migrate.understanding.keras_layers import torch_names

MODEL = """
from ray.rllib.models.tf.tf_modelv2 import TFModelV2
import tensorflow as tf


class Policy(TFModelV2):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        inputs = tf.keras.layers.Input(shape=(6, 6, 3))
        seen = tf.keras.layers.Conv2D(4, 3, name="eyes")(inputs)
        flat = tf.keras.layers.Flatten()(seen)
        out = tf.keras.layers.Dense(num_outputs, name="logits")(flat)
        self.base_model = tf.keras.Model(inputs, out)

    def forward(self, input_dict, state, seq_lens):
        return self.base_model(input_dict["obs"]), state
"""


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.eyes = nn.Conv2d(3, 4, 3)
        self.logits = nn.Linear(64, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = self.eyes(images.permute(0, 3, 1, 2))
        return self.logits(seen.permute(0, 2, 3, 1).flatten(1))


def test_the_mapping_of_the_report_loads_the_weights(tmp_path) -> None:
    from rlmigrate.migrate.engine.run import run_files
    from rlmigrate.migrate.settings import Settings

    (tmp_path / "model.py").write_text(MODEL)
    (item,) = run_files([tmp_path], Settings(), rewriting=False).report.items
    assert item.outcome == "manual"
    assert "with layers named eyes, logits" in item.message
    assert item.mapping == torch_names(ast.parse(MODEL))
    assert json.dumps(item.mapping)

    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4)
    head, offset = rng.normal(size=(64, 2)), rng.normal(size=2)
    old = {
        "eyes/kernel": kernel.astype(np.float32),
        "eyes/bias": bias.astype(np.float32),
        "logits/kernel": head.astype(np.float32),
        "logits/bias": offset.astype(np.float32),
    }
    net = Net()
    report = transfer_weights(old, net, mapping=item.mapping)
    assert report.matched == report.total == 4
    images = rng.normal(size=(2, 6, 6, 3)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    seen = np.einsum("nijchw,hwco->nijo", windows, kernel) + bias
    expected = seen.reshape(2, -1) @ head + offset
    with torch.no_grad():
        np.testing.assert_allclose(net(torch.from_numpy(images)), expected, rtol=1e-4, atol=1e-4)
