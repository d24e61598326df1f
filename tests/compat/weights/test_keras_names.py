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
