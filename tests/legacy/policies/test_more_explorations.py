"""Explorations of bandits, of slates and of single rollout workers, against Ray 2.60's."""

from __future__ import annotations

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.models.torch.torch_action_dist import TorchCategorical as RayCategorical
from ray.rllib.utils.exploration import per_worker_epsilon_greedy as ray_epsilon
from ray.rllib.utils.exploration import per_worker_ornstein_uhlenbeck_noise as ray_noise
from ray.rllib.utils.exploration.slate_epsilon_greedy import SlateEpsilonGreedy as RaySlateGreedy
from ray.rllib.utils.exploration.slate_soft_q import SlateSoftQ as RaySlateSoftQ
from ray.rllib.utils.exploration.thompson_sampling import ThompsonSampling as RayThompson
from ray.rllib.utils.exploration.upper_confidence_bound import UpperConfidenceBound as RayBound

from rlmigrate.legacy.distributions import TorchCategorical
from rlmigrate.legacy.exploration import (
    PerWorkerEpsilonGreedy,
    PerWorkerGaussianNoise,
    PerWorkerOrnsteinUhlenbeckNoise,
    SlateEpsilonGreedy,
    SlateSoftQ,
    ThompsonSampling,
    UpperConfidenceBound,
    create_exploration,
)

DISCRETE = gym.spaces.Discrete(4)
BOX = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
SLATES = torch.tensor([[0, 1], [1, 2], [2, 0], [2, 1]])
SCORES = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))


class Bandit(torch.nn.Module):
    """Scores of its own for acting without exploration."""

    slates = SLATES

    def current_obs(self):
        return torch.eye(4)

    def predict(self, obs):
        return torch.roll(obs, 1, dims=0)

    def value_function(self):
        return torch.roll(torch.eye(4), 2, dims=0)


def arguments(*, workers=0, index=0, **settings):
    given = {"framework": "torch", "policy_config": {}, "model": Bandit()}
    return {**given, "num_workers": workers, "worker_index": index, **settings}


@pytest.mark.parametrize("explore", [True, False])
@pytest.mark.parametrize(
    ("ours", "rays"), [(ThompsonSampling, RayThompson), (UpperConfidenceBound, RayBound)]
)
def test_bandits_take_the_best_score(ours, rays, explore):
    dist = SimpleNamespace(inputs=SCORES)
    found, expected = (
        kind(DISCRETE, **arguments()).get_exploration_action(
            action_distribution=dist, timestep=0, explore=explore
        )
        for kind in (ours, rays)
    )
    assert torch.equal(found[0], expected[0])
    assert found[1] is expected[1] is None


def slates_of(kind, categorical, scores, *, explore, **settings):
    exploration = kind(DISCRETE, **arguments(**settings))
    torch.manual_seed(2)
    return exploration.get_exploration_action(
        action_distribution=categorical(scores, None), timestep=3, explore=explore
    )


@pytest.mark.parametrize("explore", [True, False])
def test_sampled_slates_are_rays(explore):
    given = {"temperature": 0.5, "explore": explore}
    found = slates_of(SlateSoftQ, TorchCategorical, SCORES.clone(), **given)
    expected = slates_of(RaySlateSoftQ, RayCategorical, SCORES.clone(), **given)
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
@pytest.mark.parametrize("explore", [True, False])
def test_slates_are_rays_where_the_dice_do_not_matter(explore, epsilon):
    given = {"initial_epsilon": epsilon, "final_epsilon": epsilon, "explore": explore}
    found = slates_of(SlateEpsilonGreedy, TorchCategorical, SCORES[:2], **given)
    expected = slates_of(RaySlateGreedy, RayCategorical, SCORES[:2], **given)
    assert all(map(torch.equal, found, expected))


def test_dice_are_thrown_for_whole_slates():
    given = {"initial_epsilon": 0.5, "final_epsilon": 0.5, "explore": True}
    scores = SCORES.repeat(20, 1)
    slates, logp = slates_of(SlateEpsilonGreedy, TorchCategorical, scores, **given)
    assert slates.shape == (100, 2)
    assert torch.equal(logp, torch.zeros(100))
    known = {tuple(slate) for slate in SLATES.tolist()}
    assert {tuple(slate) for slate in slates.tolist()} <= known
    best = (slates == SLATES[scores.argmax(-1)]).all(-1).float().mean()
    assert 0.4 < best < 0.85  # half of them, and a quarter of the drawn ones
    with pytest.raises(RuntimeError, match="must match the size"):
        slates_of(RaySlateGreedy, RayCategorical, scores, **given)


@pytest.mark.parametrize(("workers", "index"), [(0, 0), (1, 1), (3, 0), (3, 1), (3, 3)])
def test_each_worker_has_a_strength_of_its_own(workers, index):
    given = arguments(workers=workers, index=index)
    pairs = [
        (PerWorkerEpsilonGreedy, ray_epsilon.PerWorkerEpsilonGreedy, DISCRETE, "epsilon_schedule"),
        (
            PerWorkerOrnsteinUhlenbeckNoise,
            ray_noise.PerWorkerOrnsteinUhlenbeckNoise,
            BOX,
            "scale_schedule",
        ),
    ]
    for ours, rays, space, schedule in pairs:
        found, expected = (getattr(kind(space, **given), schedule) for kind in (ours, rays))
        assert [found(t) for t in (0, 500, 10**6)] == [expected(t) for t in (0, 500, 10**6)]
    scale = PerWorkerGaussianNoise(BOX, **given).scale_schedule
    noise = PerWorkerOrnsteinUhlenbeckNoise(BOX, **given).scale_schedule
    assert scale(0) == noise(0)


@pytest.mark.parametrize(
    "name",
    [
        "PerWorkerGaussianNoise",
        "SlateSoftQ",
        "ThompsonSampling",
        "ray.rllib.utils.exploration.upper_confidence_bound.UpperConfidenceBound",
    ],
)
def test_configs_name_them(name):
    space = BOX if "Noise" in name else DISCRETE
    built = create_exploration({"type": name}, action_space=space, **arguments())
    assert type(built).__name__ == name.rpartition(".")[2]
