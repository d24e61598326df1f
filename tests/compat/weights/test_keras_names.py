"""Keras layers find torch layers that are called alike, without a mapping."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rlmigrate import transfer_weights
from rlmigrate.compat.weights.keras_names import layer_pairs
from rlmigrate.errors import WeightsError
from rlmigrate.new_stack.layers import FullyConnectedNetwork


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


class Eyes(nn.Module):
    """Written by hand after a Keras model with layers conv1, fc1 and my_out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.fc1 = nn.Linear(64, 5)
        self.my_out = nn.Linear(5, 2)


def test_layers_that_keep_their_names_need_no_mapping() -> None:
    old = {
        "default_policy/conv1/kernel": drawn(3, 3, 3, 4),
        "default_policy/conv1/bias": drawn(4),
        "default_policy/fc1/kernel": drawn(64, 5),
        "default_policy/fc1/bias": drawn(5),
        "default_policy/my_out/kernel": drawn(5, 2),
        "default_policy/my_out/bias": drawn(2),
    }
    new = Eyes()
    report = transfer_weights(old, new)
    assert report.matched == report.total == 6
    expected = torch.from_numpy(old["default_policy/conv1/kernel"]).permute(3, 2, 0, 1)
    assert torch.equal(new.conv1.weight, expected)
    assert torch.equal(new.fc1.weight, torch.from_numpy(old["default_policy/fc1/kernel"]).t())
    assert torch.equal(new.my_out.bias, torch.from_numpy(old["default_policy/my_out/bias"]))


def test_numbered_layers_follow_their_order() -> None:
    old = {"dense_11/kernel:0": drawn(2, 3), "dense_9/kernel:0": drawn(4, 2)}
    new = nn.ModuleDict(
        {"dense": nn.Linear(4, 2, bias=False), "dense_1": nn.Linear(2, 3, bias=False)}
    )
    report = transfer_weights(old, new)
    assert report.mapping == {
        "dense_9/kernel:0": "dense.weight",
        "dense_11/kernel:0": "dense_1.weight",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["dense/kernel", "dense_1/kernel"], ["net.dense.weight"]),
        (["a/out/kernel", "b/out/kernel"], ["out.weight"]),
        (["out/kernel"], ["a.out.weight", "b.out.weight"]),
        (["out/moving_mean"], ["out.weight"]),
    ],
)
def test_what_is_not_sure_pairs_nothing(old, new) -> None:
    assert layer_pairs(dict.fromkeys(old, (3, 2)), new) == []


def test_a_missing_layer_is_told_and_nothing_is_copied() -> None:
    new = Eyes()
    before = new.fc1.weight.clone()
    with pytest.raises(WeightsError, match=r"my_out\.weight .*no counterpart"):
        transfer_weights({"fc1/kernel": drawn(64, 5), "fc1/bias": drawn(5)}, new)
    assert torch.equal(new.fc1.weight, before)


def test_a_net_of_rllib_within_a_module() -> None:
    import gymnasium as gym

    new = nn.ModuleDict(
        {
            "trunk": FullyConnectedNetwork(
                gym.spaces.Box(-1, 1, (3,)), 2, {"fcnet_hiddens": [4], "vf_share_layers": True}
            )
        }
    )
    old = {
        "fc_1/kernel:0": drawn(3, 4),
        "fc_1/bias:0": drawn(4),
        "fc_out/kernel:0": drawn(4, 2),
        "fc_out/bias:0": drawn(2),
        "value_out/kernel:0": drawn(4, 1),
        "value_out/bias:0": drawn(1),
    }
    report = transfer_weights(old, new)
    assert report.matched == report.total == 6
    logits = new["trunk"]._logits._model[0].weight
    assert torch.equal(logits, torch.from_numpy(old["fc_out/kernel:0"]).t())


def test_recurrent_layers_and_those_of_each_step_have_one_bias_or_two() -> None:
    old = {
        "policy/lstm_3/lstm_cell_3/kernel:0": (2, 12),
        "policy/lstm_3/lstm_cell_3/bias:0": (12,),
        "policy/lstm_3/lstm_cell_3/recurrent_kernel:0": (3, 12),
        "memory/gru_cell/recurrent_kernel": (3, 9),
        "memory/gru_cell/bias": (2, 9),
        "time_distributed/eye/kernel": (4, 5),
    }
    new = [f"net.lstm.rnn.{part}_l0" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    new += ["net.memory.rnn.weight_hh_l0", "net.memory.rnn.bias_ih_l0"]
    pairs = layer_pairs(old, [*new, "net.time_distributed.layer.weight"])
    found = {target: (source.rpartition("/")[2], layouts) for source, target, layouts in pairs}
    assert found == {
        "net.lstm.rnn.weight_ih_l0": ("kernel:0", ("transpose",)),
        "net.lstm.rnn.weight_hh_l0": ("recurrent_kernel:0", ("transpose",)),
        "net.lstm.rnn.bias_ih_l0": ("bias:0", ()),
        "net.lstm.rnn.bias_hh_l0": ("bias:0", ("zeros",)),
        "net.memory.rnn.weight_hh_l0": ("recurrent_kernel", ("transpose", "gru_gates")),
        "net.memory.rnn.bias_ih_l0": ("bias", ("row_0", "gru_gates")),
        "net.memory.rnn.bias_hh_l0": ("bias", ("row_1", "gru_gates")),
        "net.time_distributed.layer.weight": ("kernel", ("transpose",)),
    }


def test_layers_of_several_nets_follow_the_order_in_which_they_were_made() -> None:
    old = {"dense/kernel": (2, 3), "dense_1/kernel": (3, 4), "dense_2/kernel": (2, 5)}
    new = ["values.dense.weight", "logits.dense.weight", "logits.dense_1.weight"]
    assert layer_pairs(old, new) == []  # two are called alike
    made = {"logits.dense": 4, "logits.dense_1": 5, "values.dense": 6}
    assert {source: target for source, target, _ in layer_pairs(old, new, made)} == {
        "dense/kernel": "logits.dense.weight",
        "dense_1/kernel": "logits.dense_1.weight",
        "dense_2/kernel": "values.dense.weight",
    }
