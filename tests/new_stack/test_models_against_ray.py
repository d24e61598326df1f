"""Nets of the default modules that no default module reaches by itself, against Ray 2.60's."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from ray.rllib.core.models import configs as ray_configs

from rlmigrate.new_stack.models import configs

STATE = {"obs": torch.rand(3, 2, 5), "state_in": {"h": torch.rand(3, 2, 4)}}


def pair(name, *, same_dims=True, **arguments):
    nets = []
    for module in (configs, ray_configs):
        config = getattr(module, name)(**arguments)
        torch.manual_seed(3)
        nets.append(config.build(framework="torch"))
        dims = config.output_dims
        nets.append(None if dims is None else tuple(dims))
    (ours, our_dims, rays, ray_dims) = nets
    assert (our_dims == ray_dims) is same_dims
    mine, theirs = ours.state_dict(), rays.state_dict()
    assert list(mine) == list(theirs)
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
    return ours, rays


def test_gru_is_rays():
    ours, rays = pair(
        "RecurrentEncoderConfig",
        recurrent_layer_type="gru",
        input_dims=[5],
        hidden_dim=4,
        num_layers=2,
    )
    mine, theirs = ours(STATE), rays(STATE)
    assert torch.equal(mine["encoder_out"], theirs["encoder_out"])
    assert torch.equal(mine["state_out"]["h"], theirs["state_out"]["h"])
    assert torch.equal(ours.get_initial_state()["h"], rays.get_initial_state()["h"])


def test_gru_initializers_work_where_rays_raise():
    arguments = {
        "recurrent_layer_type": "gru",
        "input_dims": [5],
        "hidden_dim": 4,
        "num_layers": 1,
        "hidden_bias_initializer": "zeros_",
    }
    with pytest.raises(AttributeError):
        ray_configs.RecurrentEncoderConfig(**arguments).build(framework="torch")
    net = configs.RecurrentEncoderConfig(**arguments).build()
    assert not net.gru.bias_hh_l0.any()
    assert net.gru.weight_hh_l0.any()


@pytest.mark.parametrize("layernorm", [True, False])
@pytest.mark.parametrize("filters", [None, [[6, 3, 2], [2, [5, 5], [2, 2]]], [[3, [4, 4], 3]]])
def test_image_heads_are_rays(layernorm, filters):
    arguments = {"input_dims": [7], "cnn_transpose_use_layernorm": layernorm}
    if filters is not None:
        arguments |= {"cnn_transpose_filter_specifiers": filters, "initial_image_dims": [3, 3, 2]}
    # Ray counts the kernel twice and announces smaller images than its net makes.
    ours, rays = pair("CNNTransposeHeadConfig", same_dims=False, **arguments)
    features = torch.rand(2, 7)
    assert torch.equal(ours(features), rays(features))
    assert tuple(ours(features).shape[1:]) == ours.config.output_dims


def test_image_heads_that_are_not_square_or_have_a_stride_of_one_work_unlike_rays():
    head = configs.CNNTransposeHeadConfig(
        input_dims=[7],
        initial_image_dims=[3, 5, 2],
        cnn_transpose_filter_specifiers=[[4, 3, 1], [3, [5, 3], 2]],
    ).build()
    assert head(torch.rand(2, 7)).shape == (2, 6, 10, 3)
    rays = ray_configs.CNNTransposeHeadConfig(
        input_dims=[7],
        initial_image_dims=[3, 3, 2],
        cnn_transpose_filter_specifiers=[[3, [5, 3], 2]],
    ).build(framework="torch")
    assert rays(torch.rand(2, 7)).shape == (2, 4, 8, 3)
    assert head.config.output_dims == (6, 10, 3)


@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("layernorm", [True, False])
def test_convolutions_are_rays(flatten, layernorm):
    ours, rays = pair(
        "CNNEncoderConfig",
        input_dims=[12, 12, 2],
        cnn_filter_specifiers=[[4, 3, 2], [5, [2, 2], 1, "valid"]],
        cnn_use_layernorm=layernorm,
        flatten_at_end=flatten,
    )
    obs = {"obs": torch.rand(2, 12, 12, 2)}
    assert torch.equal(ours(obs)["encoder_out"], rays(obs)["encoder_out"])


@pytest.mark.parametrize("hidden", [[], [6], [6, 4, 3]])
@pytest.mark.parametrize("output", [None, 5])
def test_multi_stream_encoders_are_rays(hidden, output):
    nets = []
    for module in (configs, ray_configs):
        torch.manual_seed(3)
        streams = {
            name: module.MLPEncoderConfig(input_dims=[size], hidden_layer_dims=[3])
            for name, size in (("obs", 4), ("actions", 2))
        }
        nets.append(
            module.MultiStreamEncoderConfig(
                base_encoder_configs=streams, hidden_layer_dims=hidden, output_layer_dim=output
            ).build(framework="torch")
        )
    ours, rays = nets
    assert list(ours.state_dict()) == list(rays.state_dict())
    inputs = {"obs": torch.rand(3, 4), "actions": torch.rand(3, 2)}
    assert torch.equal(ours(inputs)["encoder_out"], rays(inputs)["encoder_out"])


@pytest.mark.parametrize(
    "name",
    [
        "MLPHeadConfig",
        "FreeLogStdMLPHeadConfig",
        "CNNTransposeHeadConfig",
        "CNNEncoderConfig",
        "MLPEncoderConfig",
        "RecurrentEncoderConfig",
        "ActorCriticEncoderConfig",
        "MultiStreamEncoderConfig",
    ],
)
def test_configs_have_rays_fields_and_defaults(name):
    def fields(cls):
        return {field.name: getattr(cls(), field.name) for field in dataclasses.fields(cls)}

    ours, rays = getattr(configs, name), getattr(ray_configs, name)
    assert fields(ours) == fields(rays)


@pytest.mark.parametrize(
    ("name", "arguments", "match"),
    [
        ("MLPHeadConfig", {"input_dims": [3, 3], "output_layer_dim": 1}, "input_dims"),
        ("MLPHeadConfig", {"input_dims": [3], "hidden_layer_dims": []}, "output_layer_dim"),
        ("MLPHeadConfig", {"input_dims": [3], "hidden_layer_activation": "nope"}, "activation"),
        (
            "MLPHeadConfig",
            {"input_dims": [3], "hidden_layer_weights_initializer": "xavier_uniform"},
            "place",
        ),
        ("CNNEncoderConfig", {"input_dims": [3]}, "input_dims"),
        ("MultiStreamEncoderConfig", {}, "base_encoder_configs"),
    ],
)
def test_wrong_configs_raise_rays_errors(name, arguments, match):
    for module in (configs, ray_configs):
        with pytest.raises(ValueError, match=match):
            getattr(module, name)(**arguments).build(framework="torch")
    with pytest.raises(ValueError, match="framework"):
        getattr(configs, name)(**arguments).build(framework="tf2")


def test_parameters_are_counted_and_set_as_in_ray():
    ours, rays = pair("MLPHeadConfig", input_dims=[3], output_layer_dim=2)
    for net in (ours, rays):
        net.net.mlp[0].bias.requires_grad_(False)
        net._set_to_dummy_weights()
    assert ours.get_num_parameters() == rays.get_num_parameters()
    assert all(map(torch.equal, ours.parameters(), rays.parameters()))
