"""The torch distributions against Ray 2.60's, in one process, exactly."""

from __future__ import annotations

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.core.distribution.torch import torch_distribution as ray_dists
from ray.rllib.core.models.catalog import Catalog as RayCatalog
from ray.rllib.utils.error import UnsupportedSpaceException

from rlmigrate.new_stack import distributions as our_dists
from rlmigrate.new_stack.distributions import dist_cls_for

SPACES = {
    "discrete": gym.spaces.Discrete(5),
    "box": gym.spaces.Box(-1, 1, (3,)),
    "multi_discrete": gym.spaces.MultiDiscrete([2, 4, 3]),
    "tuple": gym.spaces.Tuple([gym.spaces.Discrete(3), gym.spaces.Discrete(2)]),
    "mixed_tuple": gym.spaces.Tuple([gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (2,))]),
    "dict": gym.spaces.Dict(
        z=gym.spaces.Box(-1, 1, (2,)), a=gym.spaces.MultiDiscrete([2, 2]), m=gym.spaces.Discrete(4)
    ),
    "nested": gym.spaces.Dict(
        b=gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (1,))]),
        a=gym.spaces.Discrete(3),
    ),
}


def ray_cls_for(space):
    return RayCatalog._get_dist_cls_from_action_space(space, framework="torch")


def flat(value):
    import tree

    return tree.flatten(value)


def same(ours, rays):
    ours, rays = flat(ours), flat(rays)
    return len(ours) == len(rays) and all(map(torch.equal, ours, rays))


@pytest.fixture(params=sorted(SPACES))
def space(request):
    return SPACES[request.param]


@pytest.fixture
def pair(space):
    ours, rays = dist_cls_for(space), ray_cls_for(space)
    width = ours.required_input_dim(space=space)
    assert width == rays.required_input_dim(space=space)
    torch.manual_seed(3)
    logits, others = torch.randn(7, width), torch.randn(7, width)
    return (ours.from_logits(logits), ours.from_logits(others)), (
        rays.from_logits(logits),
        rays.from_logits(others),
    )


def test_samples_of_one_seed_are_the_same(pair):
    (ours, _), (rays, _) = pair
    torch.manual_seed(11)
    mine = ours.sample()
    torch.manual_seed(11)
    assert same(mine, rays.sample())


def test_logp_entropy_and_kl_are_the_same(pair):
    (ours, our_other), (rays, ray_other) = pair
    actions = rays.sample()
    assert torch.equal(ours.logp(actions), rays.logp(actions))
    assert torch.equal(ours.entropy(), rays.entropy())
    assert torch.equal(ours.kl(our_other), rays.kl(ray_other))


def test_deterministic_actions_are_the_same(pair):
    (ours, _), (rays, _) = pair
    assert same(ours.to_deterministic().sample(), rays.to_deterministic().sample())


def test_flat_actions_have_the_logp_of_nested_ones(pair, space):
    (ours, _), _ = pair
    if not isinstance(space, (gym.spaces.Tuple, gym.spaces.Dict)):
        pytest.skip("a flat space")
    actions = ours.sample()
    columns = [part.float().reshape(7, -1) for part in flat(actions)]
    assert torch.equal(ours.logp(torch.cat(columns, dim=-1)), ours.logp(actions))


def test_time_dimension_is_served(space):
    cls = dist_cls_for(space)
    logits = torch.randn(4, 6, cls.required_input_dim(space=space))
    dist = cls.from_logits(logits)
    whole = dist.logp(dist.sample())
    assert whole.shape == dist.entropy().shape == (4, 6)
    assert dist.to_deterministic().logp(dist.sample()).shape == (4, 6)


def test_nothing_moves_the_random_state_but_sampling(pair):
    (ours, other), _ = pair
    actions = ours.sample()
    before = torch.get_rng_state()
    ours.logp(actions)
    if isinstance(actions, (dict, tuple)):
        ours.logp(torch.cat([p.float().reshape(7, -1) for p in flat(actions)], dim=-1))
    ours.entropy()
    ours.kl(other)
    ours.to_deterministic().sample()
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (-2.0, 0.5)])
def test_squashed_gaussian_is_rays_except_for_its_deterministic_action(bounds):
    low, high = bounds
    logits = torch.randn(9, 4) * 2
    ours = our_dists.TorchSquashedGaussian.from_logits(logits, low=low, high=high)
    rays = ray_dists.TorchSquashedGaussian.from_logits(logits, low=low, high=high)
    for method in ("sample_and_logp", "rsample_and_logp"):
        torch.manual_seed(1)
        mine = getattr(ours, method)()
        torch.manual_seed(1)
        theirs = getattr(rays, method)()
        assert all(map(torch.equal, mine, theirs))
    actions = rays.sample()
    assert torch.equal(ours.logp(actions), rays.logp(actions))
    edges = torch.tensor([[low, high]]).repeat(9, 1)
    assert torch.equal(ours.logp(edges), rays.logp(edges))
    with pytest.raises(ValueError, match="entropy"):
        ours.entropy()
    with pytest.raises(ValueError, match="kl"):
        ours.kl(rays)


def test_partial_classes_refuse_fixed_arguments_and_other_spaces():
    space = SPACES["multi_discrete"]
    for cls in (dist_cls_for(space), ray_cls_for(space)):
        with pytest.raises(ValueError, match="input_lens"):
            cls.from_logits(torch.zeros(1, 9), input_lens=[9])
        with pytest.raises(AssertionError):
            cls.required_input_dim(space=gym.spaces.MultiDiscrete([9]))
        assert type(cls.from_logits(torch.zeros(1, 9))) is cls


def test_partial_classes_pickle_and_copy_which_rays_do_not(space):
    cls = dist_cls_for(space)
    again = pickle.loads(pickle.dumps(cls))
    logits = torch.randn(2, cls.required_input_dim(space=space))
    assert same(
        again.from_logits(logits).to_deterministic().sample(),
        cls.from_logits(logits).to_deterministic().sample(),
    )
    assert copy.deepcopy(cls) is cls
    if isinstance(space, gym.spaces.MultiDiscrete):
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickle.dumps(ray_cls_for(space))


def test_categorical_from_probs_is_rays():
    probs = torch.tensor([[0.2, 0.8], [0.7, 0.3]])
    ours, rays = our_dists.TorchCategorical(probs=probs), ray_dists.TorchCategorical(probs=probs)
    torch.manual_seed(0)
    mine = ours.rsample()
    torch.manual_seed(0)
    assert torch.equal(mine, rays.rsample())
    with pytest.raises(AssertionError):
        our_dists.TorchCategorical()


@pytest.mark.parametrize(
    ("space", "error"),
    [
        (gym.spaces.Box(0, 5, (2,), np.int32), ValueError),
        (gym.spaces.Box(0, 5, (2, 2)), NotImplementedError),
        (gym.spaces.Text(3), NotImplementedError),
    ],
)
def test_spaces_without_a_distribution_raise_rays_errors(space, error):
    with pytest.raises(error):
        dist_cls_for(space)
    rays = UnsupportedSpaceException if len(space.shape or ()) > 1 else error
    with pytest.raises(rays):
        ray_cls_for(space)
