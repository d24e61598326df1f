"""What is made without torch's constructors is what they make."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest
import torch
from torch import nn

from rlmigrate.new_stack.models.config_dicts import as_plain_dict
from rlmigrate.new_stack.models.default_config import DefaultModelConfig
from rlmigrate.new_stack.models.making import init_module, make_linear, make_sequential


def attributes(module):
    """Give an attribute's type, and its value where it is no tensor."""
    return {
        name: (type(value), [*value] if hasattr(value, "__iter__") else value)
        for name, value in vars(module).items()
    }


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("size_in", "size_out"), [(8, 256), (256, 256), (7, 1), (1, 3)])
def test_linear_is_torchs(size_in, size_out, bias):
    torch.manual_seed(3)
    theirs, theirs_next = nn.Linear(size_in, size_out, bias=bias), torch.rand(1)
    torch.manual_seed(3)
    ours, ours_next = make_linear(size_in, size_out, bias=bias), torch.rand(1)
    assert type(ours) is nn.Linear
    assert attributes(ours) == attributes(theirs)
    assert repr(ours) == repr(theirs)
    assert torch.equal(ours_next, theirs_next)  # as many random numbers were drawn
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for name, parameter in ours.named_parameters():
        assert torch.equal(parameter, state[name]), name
        assert parameter.requires_grad
        assert parameter.is_leaf


def test_linear_follows_torchs_defaults():
    with torch.device("meta"):
        assert make_linear(2, 3, bias=True).weight.is_meta
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(0)
        theirs = nn.Linear(2, 3)
        torch.manual_seed(0)
        ours = make_linear(2, 3, bias=True)
    finally:
        torch.set_default_dtype(torch.float32)
    assert ours.weight.dtype == torch.float64
    assert torch.equal(ours.weight, theirs.weight)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("sizes", [(0, 3), (3, 0)])
def test_linear_without_weights_is_torchs(sizes):
    assert attributes(make_linear(*sizes, bias=True)) == attributes(nn.Linear(*sizes))


def test_a_new_module_shares_nothing_with_another():
    first, second = nn.Identity.__new__(nn.Identity), nn.Identity.__new__(nn.Identity)
    init_module(first)
    init_module(second)
    assert attributes(first) == attributes(nn.Module())
    shared = [
        name
        for name, value in vars(first).items()
        if value is vars(second)[name] and isinstance(value, dict | set | list)
    ]
    assert not shared


def test_sequential_is_torchs_and_copies():
    layers = [nn.Linear(2, 3), nn.Tanh()]
    ours, theirs = make_sequential(layers), nn.Sequential(*layers)
    assert attributes(ours) == attributes(theirs)
    x = torch.rand(4, 2)
    for made in (ours, copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert torch.equal(made(x), theirs(x))
        assert list(made.state_dict()) == list(theirs.state_dict())
    ours.append(nn.Linear(3, 1))
    assert len(ours) == 3


@dataclasses.dataclass
class _Nested:
    nets: Any


@pytest.mark.parametrize(
    "config",
    [
        DefaultModelConfig(),
        DefaultModelConfig(fcnet_hiddens=[3], fcnet_kernel_initializer_kwargs={"gain": [1.0]}),
        DefaultModelConfig(conv_filters=[[16, [8, 8], 4]], fcnet_activation=torch.nn.Tanh),
        _Nested(DefaultModelConfig()),
    ],
)
def test_dicts_of_configs_are_those_of_dataclasses_and_share_nothing(config):
    found = as_plain_dict(config)
    assert found == dataclasses.asdict(config)
    for name, value in found.items():
        assert not isinstance(value, list | dict) or value is not getattr(config, name)
