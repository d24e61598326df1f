"""GTrXL, its wrapper and its layers, beside Ray's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.models import modules
from rlmigrate.legacy.models.attention_net import GTrXLNet

OBS = Box(-1, 1, (3,), np.float32)
SMALL = {
    "use_attention": True,
    "attention_dim": 6,
    "attention_num_heads": 2,
    "attention_head_dim": 4,
    "attention_memory_inference": 5,
    "attention_position_wise_mlp_dim": 7,
    "fcnet_hiddens": [8],
    "max_seq_len": 4,
}


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def compare(pair, batch, memories, seq_lens, equal):
    equal(pair.ours(dict(batch), memories, seq_lens), pair.rays(dict(batch), memories, seq_lens))
    equal(pair.ours.value_function(), pair.rays.value_function())
    equal(pair.ours.get_initial_state(), pair.rays.get_initial_state())
    assert list(pair.ours.view_requirements) == list(pair.rays.view_requirements)
    for name, rays in pair.rays.view_requirements.items():
        ours = pair.ours.view_requirements[name]
        assert (ours.data_col, ours.shift, ours.batch_repeat_value, ours.used_for_training) == (
            rays.data_col,
            rays.shift,
            rays.batch_repeat_value,
            rays.used_for_training,
        )
        assert ours.space == rays.space


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sequences=st.integers(1, 3),
    steps=st.integers(1, 4),
    memory=st.integers(0, 5),
    units=st.integers(1, 3),
    rewards=st.integers(0, 2),
)
def test_wrapper(sequences, steps, memory, units, rewards, twins, equal):
    pair = twins(
        OBS,
        Discrete(2),
        2,
        **SMALL,
        attention_num_transformer_units=units,
        attention_use_n_prev_rewards=rewards,
    )
    batch = {
        "obs": randn(sequences * steps, 3),
        "prev_rewards": randn(sequences * steps, max(rewards, 1)),
    }
    memories = [randn(sequences, memory, 6, seed=unit) for unit in range(units)]
    compare(pair, batch, memories, torch.full((sequences,), steps), equal)


def with_python_int(space):
    space.n = int(space.n)
    return space


@pytest.mark.parametrize(
    ("space", "actions"),
    [
        (with_python_int(Discrete(3)), torch.tensor([[0, 1], [2, 2], [1, 0], [0, 0]])),
        (Box(-1, 1, (2,), np.float32), randn(4, 2, 2)),
    ],
    ids=str,
)
def test_previous_actions(space, actions, twins, equal):
    pair = twins(OBS, space, 2, **SMALL, attention_use_n_prev_actions=2)
    batch = {"obs": randn(4, 3), "prev_actions": actions}
    compare(pair, batch, [randn(2, 5, 6)], torch.tensor([2, 2]), equal)


def test_nested_previous_actions(twins, equal):
    space = Tuple([with_python_int(Discrete(3)), Dict(a=Box(-1, 1, (2,), np.float32))])
    pair = twins(
        OBS, space, 2, **SMALL, attention_use_n_prev_actions=2, _disable_action_flattening=True
    )
    actions = (torch.tensor([[0, 1], [2, 2], [1, 0], [0, 0]]), {"a": randn(4, 2, 2)})
    batch = {"obs": randn(4, 3), "prev_actions": actions}
    compare(pair, batch, [randn(2, 5, 6)], torch.tensor([2, 2]), equal)


def test_repair_of_previous_multi_discrete_actions():
    """Ray encodes n / components of the n actions and raises."""
    space = MultiDiscrete([2, 3])
    model = ModelCatalog.get_model_v2(
        OBS, space, 2, {**SMALL, "attention_use_n_prev_actions": 2}, framework="torch"
    )
    seen = []
    model.gtrxl.linear_layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    actions = torch.tensor([[[0, 2], [1, 0]], [[1, 1], [0, 0]]])
    batch = {"obs": randn(2, 3), "prev_actions": actions}
    out, _ = model(batch, [randn(1, 5, 6)], torch.tensor([2]))
    assert out.shape == (2, 2)
    assert seen[0][0, :, 8:].tolist() == [
        [1, 0, 0, 0, 1, 0, 1, 1, 0, 0],
        [0, 1, 0, 1, 0, 1, 0, 1, 0, 0],
    ]


@pytest.mark.parametrize("outputs", [2, None])
def test_gtrxl_as_custom_model(outputs, twins, equal):
    from ray.rllib.models.torch.attention_net import GTrXLNet as Rays

    pair = twins(
        OBS,
        Discrete(2),
        outputs,
        custom_model=(GTrXLNet, Rays),
        custom_model_config={"num_transformer_units": 2, "attention_dim": 6, "head_dim": 4},
        max_seq_len=4,
    )
    args = ({"obs": randn(6, 3)}, [randn(2, 5, 6), randn(2, 5, 6, seed=1)], torch.tensor([3, 3]))
    equal(pair.ours(*args), pair.rays(*args))
    assert pair.ours.get_initial_state() == pair.rays.get_initial_state() == []
    if outputs:
        equal(pair.ours.value_function(), pair.rays.value_function())
    else:
        with pytest.raises(AssertionError, match="no value head"):
            pair.ours.value_function()


def rays_layer(name):
    from ray.rllib.models.torch import modules as rays
    from ray.rllib.models.torch.modules.noisy_layer import NoisyLayer
    from ray.rllib.models.torch.modules.relative_multi_head_attention import (
        RelativePositionEmbedding,
    )

    known = {"NoisyLayer": NoisyLayer, "RelativePositionEmbedding": RelativePositionEmbedding}
    return known.get(name) or getattr(rays, name)


def both(name, *args, **kwargs):
    layers = []
    for cls in (getattr(modules, name), rays_layer(name)):
        torch.manual_seed(0)
        np.random.seed(0)
        layers.append(cls(*args, **kwargs))
    return layers


def same_weights(ours, rays, equal):
    mine, theirs = ours.state_dict(), rays.state_dict()
    assert set(mine) == set(theirs)
    equal({key: mine[key] for key in theirs}, dict(theirs))


@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_gru_gate(bias, equal):
    ours, rays = both("GRUGate", 5, bias)
    same_weights(ours, rays, equal)
    inputs = (randn(2, 3, 5), randn(2, 3, 5, seed=1))
    equal(ours(inputs), rays(inputs))


def test_multi_head_attention(equal):
    ours, rays = both("MultiHeadAttention", 5, 6, 2, 4)
    same_weights(ours, rays, equal)
    equal(ours(randn(2, 3, 5)), rays(randn(2, 3, 5)))


@pytest.mark.parametrize("layernorm", [False, True])
@pytest.mark.parametrize("activation", [None, "relu", torch.nn.ReLU])
def test_relative_multi_head_attention(layernorm, activation, equal):
    ours, rays = both(
        "RelativeMultiHeadAttention",
        6,
        6,
        2,
        4,
        input_layernorm=layernorm,
        output_activation=activation,
    )
    same_weights(ours, rays, equal)
    inputs, memory = randn(2, 3, 6).requires_grad_(), randn(2, 4, 6, seed=1).requires_grad_()
    gradients = []
    for layer in (ours, rays):
        inputs.grad = None
        out = layer(inputs, memory=memory)
        out.pow(2).sum().backward()
        gradients.append((out, inputs.grad.clone()))
        assert memory.grad is None
    equal(*gradients)


def test_relative_position_embedding(equal):
    ours, rays = both("RelativePositionEmbedding", 6)
    equal(ours(7), rays(7))


def test_skip_connection_without_gate(equal):
    layer = torch.nn.Linear(4, 4)
    from ray.rllib.models.torch.modules import SkipConnection

    equal(modules.SkipConnection(layer)(randn(2, 4)), SkipConnection(layer)(randn(2, 4)))


@pytest.mark.parametrize("activation", ["relu", None])
@pytest.mark.parametrize("sizes", [(4, 3), (32, 17)])
def test_noisy_layer(activation, sizes, equal):
    ours, rays = both("NoisyLayer", *sizes, sigma0=0.5, activation=activation)
    same_weights(ours, rays, equal)
    outs = []
    for layer in (ours, rays):
        torch.manual_seed(3)
        outs.append(layer(randn(5, sizes[0])))
    equal(*outs)
