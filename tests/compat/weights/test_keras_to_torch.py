"""Weights of named Keras layers load into torch layers of those names, by the report's mapping."""

from __future__ import annotations

import ast
import json

import numpy as np
import pytest
import torch
from torch import nn

from rlmigrate import transfer_weights
from rlmigrate.errors import WeightsError
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
        return tf.realdiv(self.base_model(input_dict["obs"]), 1.0), state
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
    assert "with layers eyes (nn.Conv2d), logits (nn.Linear)" in item.message
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


@pytest.mark.parametrize(("kind", "gates"), [("GRU", 3), ("LSTM", 4)])
def test_recurrent_layers_load(kind: str, gates: int) -> None:
    """Against the equations of Keras' documentation, in numpy."""
    made = ast.parse(f"cell = tf.keras.layers.{kind}(5, name='cell')")
    rng = np.random.default_rng(0)
    units, inputs = 5, 3
    shape = (2, 3 * units) if kind == "GRU" else (4 * units,)
    old = {
        "cell/kernel": rng.normal(size=(inputs, gates * units)).astype(np.float32),
        "cell/recurrent_kernel": rng.normal(size=(units, gates * units)).astype(np.float32),
        "cell/bias": rng.normal(size=shape).astype(np.float32),
    }
    net = nn.ModuleDict({"cell": getattr(nn, kind)(inputs, units, batch_first=True)})
    report = transfer_weights(old, net, mapping=torch_names(made))
    assert report.total == 4
    assert report.mapping == torch_names(made)
    steps = rng.normal(size=(2, 4, inputs)).astype(np.float32)
    h = c = np.zeros((2, units))
    for step in range(4):
        x = steps[:, step]
        if kind == "GRU":
            given = np.split(x @ old["cell/kernel"] + old["cell/bias"][0], 3, 1)
            kept = np.split(h @ old["cell/recurrent_kernel"] + old["cell/bias"][1], 3, 1)
            update, reset = (_sigmoid(a + b) for a, b in zip(given[:2], kept[:2], strict=True))
            h = update * h + (1 - update) * np.tanh(given[2] + reset * kept[2])
        else:
            both = x @ old["cell/kernel"] + h @ old["cell/recurrent_kernel"] + old["cell/bias"]
            enter, forget, new, leave = np.split(both, 4, 1)
            c = _sigmoid(forget) * c + _sigmoid(enter) * np.tanh(new)
            h = _sigmoid(leave) * np.tanh(c)
    with torch.no_grad():
        np.testing.assert_allclose(
            net["cell"](torch.from_numpy(steps))[0][:, -1], h, rtol=1e-5, atol=1e-5
        )


def test_a_gru_that_resets_before_is_refused() -> None:
    old = {"g/kernel": np.ones((2, 9)), "g/recurrent_kernel": np.ones((3, 9)), "g/bias": np.ones(9)}
    mapping = torch_names(ast.parse("GRU(3, name='g')"))
    with pytest.raises(WeightsError, match="reset_after=False"):
        transfer_weights(old, nn.ModuleDict({"g": nn.GRU(2, 3)}), mapping=mapping)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
