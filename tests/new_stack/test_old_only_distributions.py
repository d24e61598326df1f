"""Distributions that only the old stack has, as new-style classes with the old numbers."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.models.torch import torch_action_dist as old

from rlmigrate.new_stack.distributions import (
    TorchBeta,
    TorchCategoricalWithTemperature,
    TorchDirichlet,
    TorchOldSquashedGaussian,
    integer_box_dist_cls,
)

BOX = gym.spaces.Box(-1, 1, (2,))
PAIRS = {
    "beta": (TorchBeta, lambda x: old.TorchBeta(x, None), BOX),
    "stretched_beta": (
        TorchBeta.get_partial_dist_cls(low=-2.0, high=3.0),
        lambda x: old.TorchBeta(x, None, low=-2.0, high=3.0),
        BOX,
    ),
    "dirichlet": (
        TorchDirichlet,
        lambda x: old.TorchDirichlet(x, None),
        gym.spaces.Box(0, 1, (4,)),
    ),
    "cold": (
        TorchCategoricalWithTemperature.get_partial_dist_cls(temperature=0.5),
        lambda x: old.TorchCategorical(x.clone(), None, temperature=0.5),
        gym.spaces.Discrete(4),
    ),
    "squashed": (TorchOldSquashedGaussian, lambda x: old.TorchSquashedGaussian(x, None), BOX),
    "squashed_bounds": (
        TorchOldSquashedGaussian.get_partial_dist_cls(low=-2.0, high=0.5),
        lambda x: old.TorchSquashedGaussian(x, None, low=-2.0, high=0.5),
        BOX,
    ),
}


@pytest.fixture(params=PAIRS)
def pair(request):
    ours, rays, space = PAIRS[request.param]
    torch.manual_seed(4)
    inputs = torch.randn(6, ours.required_input_dim(space=space)) * 3
    return ours.from_logits(inputs), rays(inputs)


def test_samples_of_one_seed_logps_and_deterministic_actions_are_the_old_ones(pair):
    ours, rays = pair
    torch.manual_seed(9)
    mine = ours.sample()
    torch.manual_seed(9)
    theirs = rays.sample()
    assert torch.equal(mine, theirs)
    assert not mine.requires_grad
    assert torch.equal(ours.logp(theirs), rays.logp(theirs))
    assert torch.equal(ours.to_deterministic().sample(), rays.deterministic_sample())
    assert ours.logp(theirs).shape == (6,)
    assert not ours.to_deterministic().logp(theirs).any()


def test_entropies_are_the_old_ones_summed(pair):
    ours, rays = pair
    if "Squashed" in type(rays).__name__:
        with pytest.raises(ValueError, match="entropy"):
            ours.entropy()
        return
    theirs = rays.entropy()
    assert torch.equal(ours.entropy(), theirs.sum(-1) if theirs.dim() > 1 else theirs)


def test_temperatures_leave_the_logits_alone():
    logits = torch.ones(2, 3)
    TorchCategoricalWithTemperature.from_logits(logits, temperature=4.0)
    assert torch.equal(logits, torch.ones(2, 3))
    with pytest.raises(AssertionError, match="positive"):
        TorchCategoricalWithTemperature.from_logits(logits, temperature=0.0)


@pytest.mark.parametrize("shape", [(3,), (2, 2)])
def test_integer_boxes_are_the_old_ones(shape):
    space = gym.spaces.Box(-1, 3, shape, np.int32)
    cls = integer_box_dist_cls(space)
    width = old.TorchMultiCategorical.required_model_output_shape(space, {})
    assert cls.required_input_dim(space=space) == width
    inputs = torch.randn(5, int(width))
    ours = cls.from_logits(inputs)
    rays = old.TorchMultiCategorical(inputs, None, [5] * int(np.prod(shape)), space)
    torch.manual_seed(1)
    mine = ours.sample()
    torch.manual_seed(1)
    theirs = rays.sample()
    assert torch.equal(mine, theirs)
    assert mine.shape == (5, *shape)
    assert torch.equal(ours.logp(mine), rays.logp(mine))
    assert torch.equal(ours.entropy(), rays.entropy())
    assert torch.equal(ours.to_deterministic().sample(), rays.deterministic_sample())
    assert ours.to_deterministic().logp(mine).shape == (5,)


@pytest.mark.parametrize(
    "space", [BOX, gym.spaces.Box(np.array([0, 1]), np.array([3, 3]), dtype=int)]
)
def test_other_boxes_are_refused(space):
    with pytest.raises(ValueError, match=r"integer Box|same bounds"):
        integer_box_dist_cls(space)
