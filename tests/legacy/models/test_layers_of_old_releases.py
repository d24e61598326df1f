"""Layers that Ray 2.60 has no more."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.models.modules import ConvTranspose2DStack
from rlmigrate.legacy.models.noop import TorchNoopModel
from rlmigrate.legacy.models.utils import get_initializer_fn


def test_conv_transpose_stack():
    torch.manual_seed(0)
    stack = ConvTranspose2DStack(
        input_size=5, filters=((6, 3, 2), (4, 4, 2)), output_shape=(3, 8, 8)
    )
    assert list(stack.state_dict()) == [
        "_model.0.weight",
        "_model.0.bias",
        "_model.2.weight",
        "_model.2.bias",
        "_model.4.weight",
        "_model.4.bias",
    ]
    images = stack(torch.randn(2, 7, 5))
    assert images.mean.shape == (2, 7, 3, 8, 8)
    assert images.log_prob(images.mean).shape == (2, 7)
    assert torch.allclose(images.log_prob(images.mean), torch.tensor(-192 * 0.918938533))


def test_default_filters_give_64_by_64():
    assert ConvTranspose2DStack(input_size=4)(torch.randn(1, 4)).mean.shape == (1, 3, 64, 64)


def test_noop_model():
    model = ModelCatalog.get_model_v2(
        Box(-1, 1, (3,), np.float32), Discrete(2), None, {}, "torch", default_model=TorchNoopModel
    )
    out, _ = model({"obs": torch.ones(2, 3, dtype=torch.float64)})
    assert out.dtype == torch.float32
    assert out.tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize("name", [None, "xavier_normal_", torch.nn.init.zeros_])
def test_initializers_by_their_own_name(name):
    from ray.rllib.models.utils import get_initializer_fn as rays

    assert get_initializer_fn(name) is rays(name)


@pytest.mark.parametrize("name", ["xavier_normal", "bogus_"])
def test_unknown_initializers(name):
    with pytest.raises(ValueError, match=f"unknown initializer '{name}'"):
        get_initializer_fn(name)
