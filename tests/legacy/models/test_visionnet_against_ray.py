"""VisionNetwork and the convolution layers, beside Ray's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from hypothesis import given, settings
from hypothesis import strategies as st

from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.models import misc, utils

SMALL = [[4, [5, 5], 2], [6, [5, 5], 2]]
OBLONG = [[4, [3, 2], 2], [5, [4, 6], 1]]


def images(shape, batch=2, dtype=torch.float32):
    values = torch.randint(0, 255, (batch, *shape), generator=torch.Generator().manual_seed(0))
    return values.to(dtype)


@pytest.mark.parametrize("vf_share_layers", [True, False])
@pytest.mark.parametrize("activation", ["relu", "tanh", None])
@pytest.mark.parametrize(
    ("shape", "filters", "outputs"),
    [
        ((10, 10, 3), None, 2),
        ((10, 10, 3), SMALL, 4),
        ((7, 12, 2), OBLONG, 3),
        ((3, 3, 1), [[4, [3, 3], 1]], 2),
        ((10, 10, 3), None, None),
    ],
)
def test_images(shape, filters, outputs, activation, vf_share_layers, twins, equal):
    pair = twins(
        Box(0, 255, shape, np.float32),
        Discrete(2),
        outputs,
        conv_filters=filters,
        conv_activation=activation,
        vf_share_layers=vf_share_layers,
    )
    obs = images(shape)
    mine, theirs = pair.ours({"obs": obs}), pair.rays({"obs": obs})
    equal(mine, theirs)
    assert pair.ours.num_outputs == pair.rays.num_outputs
    if outputs is not None or not vf_share_layers:
        equal(pair.ours.value_function(), pair.rays.value_function())


@pytest.mark.parametrize("size", [42, 84, 96])
def test_default_filters(size, twins, equal):
    shape = (size, size, 1)
    pair = twins(Box(0, 255, shape, np.uint8), Discrete(2), 2)
    obs = images(shape, batch=1, dtype=torch.uint8)
    equal(pair.ours({"obs": obs}), pair.rays({"obs": obs}))
    equal(pair.ours.value_function(), pair.rays.value_function())


def test_no_final_linear(twins, equal):
    pair = twins(Box(0, 255, (10, 10, 3), np.float32), Discrete(4), 4, no_final_linear=True)
    obs = images((10, 10, 3))
    equal(pair.ours({"obs": obs}), pair.rays({"obs": obs}))


@pytest.mark.parametrize("hiddens", [[8], [8, 7]])
def test_dense_layers_behind(hiddens, twins, equal):
    pair = twins(
        Box(0, 255, (10, 10, 3), np.float32),
        Discrete(2),
        2,
        post_fcnet_hiddens=hiddens,
        vf_share_layers=False,
    )
    obs = images((10, 10, 3))
    equal(pair.ours({"obs": obs}), pair.rays({"obs": obs}))
    equal(pair.ours.value_function(), pair.rays.value_function())


def build(**config):
    return ModelCatalog.get_model_v2(
        Box(0, 255, (10, 10, 3), np.float32), Discrete(2), 2, config, framework="torch"
    )


class TestRepairs:
    def test_value_of_shared_dense_layers(self):
        """Ray's value head has another size than the features, and it squeezes lost axes."""
        model = build(post_fcnet_hiddens=[8], vf_share_layers=True, conv_activation="relu")
        model({"obs": images((10, 10, 3))})
        assert model.value_function().shape == (2,)

    def test_dense_layers_without_final_linear(self):
        model = build(post_fcnet_hiddens=[8, 7], no_final_linear=True, vf_share_layers=True)
        out, _ = model({"obs": images((10, 10, 3))})
        assert out.shape == (2, 2)
        assert model.value_function().shape == (2,)

    def test_callers_config_is_not_written_to(self):
        config = {"conv_filters": None}
        model = ModelCatalog.get_model_v2(
            Box(0, 255, (10, 10, 3), np.float32), Discrete(2), 2, config, framework="torch"
        )
        assert config == {"conv_filters": None}
        assert model.model_config["conv_filters"] == utils.get_filter_config((10, 10, 3))


def test_filters_that_leave_pixels_say_so():
    model = build(conv_filters=[[4, [3, 3], 1]])
    with pytest.raises(ValueError, match=r"expected \[B, 2, 1, 1\]; change the last kernel"):
        model({"obs": images((10, 10, 3))})


def test_size_without_default_filters_says_so():
    with pytest.raises(ValueError, match=r"no default for images of shape \(11, 11, 3\)"):
        utils.get_filter_config((11, 11, 3))


@pytest.mark.parametrize("shape", [(96, 96, 3), (84, 84), (3, 64, 64), (42, 42, 4), (10, 10, 1)])
def test_default_filter_table(shape):
    from ray.rllib.models.utils import get_filter_config

    assert utils.get_filter_config(shape) == get_filter_config(shape)


sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
kernels = st.one_of(st.integers(1, 9), st.tuples(st.integers(1, 9), st.integers(1, 9)))


@settings(max_examples=200, deadline=None)
@given(size=sizes, kernel=kernels, stride=kernels)
def test_paddings(size, kernel, stride):
    from ray.rllib.models.torch import misc as rays

    assert misc.same_padding(size, kernel, stride) == rays.same_padding(size, kernel, stride)
    assert misc.valid_padding(size, kernel, stride) == rays.valid_padding(size, kernel, stride)
    assert misc.same_padding_transpose_after_stride(
        size, kernel, stride
    ) == rays.same_padding_transpose_after_stride(size, kernel, stride)


@pytest.mark.parametrize("kwargs", [{}, {"initializer": None}, {"activation_fn": "tanh"}])
def test_slim_conv(kwargs, equal):
    from ray.rllib.models.torch import misc as rays

    outs = []
    for module in (misc, rays):
        torch.manual_seed(0)
        layer = module.SlimConv2d(2, 3, [2, 3], 2, (1, 0, 1, 1), bias_init=0.5, **kwargs)
        outs.append((dict(layer.state_dict()), layer(torch.ones(1, 2, 8, 8))))
    equal(*outs)


@pytest.mark.parametrize("name", ["relu", "tanh", "elu", "swish", "silu", "linear", None, "ReLU"])
def test_activations(name):
    from ray.rllib.models.utils import get_activation_fn

    assert utils.get_activation_fn(name, "torch") is get_activation_fn(name, "torch")


def test_unknown_names():
    with pytest.raises(ValueError, match="unknown activation 'bogus'"):
        utils.get_activation_fn("bogus", "torch")
    with pytest.raises(ValueError, match="unknown initializer 'bogus'"):
        utils.get_initializer("bogus", "torch")
    assert utils.get_initializer(None, "torch") is torch.nn.init.xavier_uniform_
