"""docs/ray-differences.md: each entry is pinned by a test, and both sides are as the entry says."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import gymnasium as gym
import pytest
import torch
from ray.rllib.connectors.module_to_env.get_actions import GetActions
from ray.rllib.core.distribution.torch import torch_distribution as ray_dists
from ray.rllib.core.models.catalog import Catalog as RayCatalog
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule as RayModule

from rlmigrate.new_stack import Columns, TorchRLModule, actions_from_outputs
from rlmigrate.new_stack import distributions as dists

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ray-differences.md"
BOX = gym.spaces.Box(-1, 1, (4,))


def test_every_entry_names_a_test_that_exists():
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))
    entries = re.findall(r"(?m)^### ", PAGE.read_text(encoding="utf-8"))
    assert len(tests) >= len(entries) > 10
    missing = [
        name
        for path, name in tests
        if not re.search(rf"(?m)^\s*def {name}\(", (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_squashed_gaussians_are_deterministic_within_their_bounds():
    logits = torch.tensor([[3.0, 0.0]])
    ours = dists.TorchSquashedGaussian.from_logits(logits).to_deterministic().sample()
    rays = ray_dists.TorchSquashedGaussian.from_logits(logits).to_deterministic().sample()
    assert torch.allclose(ours, torch.tanh(torch.tensor([[3.0]])))
    assert torch.equal(rays, torch.tensor([[3.0]]))


def test_given_actions_get_a_logp():
    logits, actions = torch.randn(2, 3), torch.tensor([0, 2])
    outputs = {Columns.ACTIONS: actions, Columns.ACTION_DIST_INPUTS: logits}
    space = gym.spaces.Discrete(3)
    ours = actions_from_outputs(TorchRLModule(action_space=space), outputs, explore=True)
    assert torch.equal(
        ours[Columns.ACTION_LOGP], dists.TorchCategorical.from_logits(logits).logp(actions)
    )
    theirs = dict(outputs)
    GetActions()._get_actions(theirs, RayModule(action_space=space), True)
    assert Columns.ACTION_LOGP not in theirs


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (2,))]),
        gym.spaces.Tuple([gym.spaces.Box(-1, 1, (2,)), gym.spaces.Box(-1, 1, (3,))]),
        gym.spaces.Dict(a=gym.spaces.Discrete(2), b=gym.spaces.Box(-1, 1, (2,))),
        gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.MultiDiscrete([2, 2])]),
    ],
)
def test_nested_actions_are_chosen_greedily(space):
    cls = dists.dist_cls_for(space)
    logits = torch.randn(8, cls.required_input_dim(space=space))
    module = TorchRLModule(action_space=space)
    module.action_dist_cls = cls
    got = actions_from_outputs(module, {Columns.ACTION_DIST_INPUTS: logits}, explore=False)
    assert got[Columns.ACTION_LOGP].tolist() == [0.0] * 8
    rays = RayModule(action_space=space)
    rays.action_dist_cls = RayCatalog._get_dist_cls_from_action_space(space, framework="torch")
    with pytest.raises(RuntimeError):
        GetActions()._get_actions({Columns.ACTION_DIST_INPUTS: logits}, rays, False)


def test_deterministic_logps_have_one_entry_per_action():
    logits = torch.randn(5, 4)
    ours = dists.TorchDiagGaussian.from_logits(logits).to_deterministic()
    rays = ray_dists.TorchDiagGaussian.from_logits(logits).to_deterministic()
    assert ours.logp(ours.sample()).shape == (5,)
    assert rays.logp(rays.sample()).shape == (5, 2)


def test_categoricals_from_logits_have_rsample():
    logits = torch.randn(3, 4, requires_grad=True)
    sample = dists.TorchCategorical.from_logits(logits).rsample()
    (sample * torch.arange(4.0)).sum().backward()
    assert torch.allclose(sample.sum(-1), torch.ones(3))
    assert logits.grad.abs().sum() > 0
    with pytest.raises(TypeError):
        ray_dists.TorchCategorical.from_logits(logits).rsample()


def test_temperatures_of_multi_categoricals_count():
    logits, arguments = torch.randn(2, 5), {"input_lens": [2, 3], "temperatures": [2.0, 0.5]}
    ours = dists.TorchMultiCategorical.from_logits(logits, **arguments)
    rays = ray_dists.TorchMultiCategorical.from_logits(logits, **arguments)
    plain = dists.TorchMultiCategorical.from_logits(logits, input_lens=[2, 3])
    assert torch.equal(rays.entropy(), plain.entropy())
    assert not torch.equal(ours.entropy(), plain.entropy())


def test_deterministic_distributions_are_made_from_outputs():
    outputs = torch.randn(3, 2)
    made = dists.TorchDeterministic.from_logits(outputs)
    assert torch.equal(made.sample(), outputs)
    assert made.logp(outputs).shape == (3,)
    with pytest.raises(NotImplementedError):
        ray_dists.TorchDeterministic.from_logits(outputs)


def test_multi_distributions_sample_a_shape():
    space = gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.MultiDiscrete([2, 2])])
    cls = dists.dist_cls_for(space)
    rays = RayCatalog._get_dist_cls_from_action_space(space, framework="torch")
    logits = torch.randn(3, 6)
    first, second = cls.from_logits(logits).sample(sample_shape=(7,))
    assert (first.shape, second.shape) == ((7, 3), (7, 3, 2))
    with pytest.raises(TypeError):
        rays.from_logits(logits).sample(sample_shape=(7,))


def test_flat_nested_actions_do_not_move_the_random_state():
    space = gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (2,))])
    logits, actions = torch.randn(3, 6), torch.zeros(3, 3)
    sides = (
        dists.dist_cls_for(space),
        RayCatalog._get_dist_cls_from_action_space(space, framework="torch"),
    )
    moved = []
    for cls in sides:
        dist, before = cls.from_logits(logits), torch.get_rng_state()
        dist.logp(actions)
        moved.append(not torch.equal(before, torch.get_rng_state()))
    assert moved == [False, True]


def test_ray_still_has_no_report_of_what_did_not_match():
    source = inspect.getsource(RayModule.set_state)
    assert "strict=False" in source
    assert "return" not in source
