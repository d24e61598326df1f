"""Every torch distribution gives Ray's numbers, samples included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlmigrate.errors import LegacyError, UnsupportedSpace
from rlmigrate.legacy import distributions
from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.spaces import Simplex

LEAVES = [
    Discrete(1),
    Discrete(5),
    Box(-1, 1, (2,), np.float32),
    Box(-1, 1, (), np.float32),
    Box(-2, 3, (2,), np.int32),
    Box(0, 2, (2, 2), np.int64),
    MultiDiscrete([3, 4]),
]
NESTED = st.recursive(
    st.sampled_from(LEAVES),
    lambda child: st.one_of(
        st.lists(child, min_size=1, max_size=3).map(Tuple),
        st.dictionaries(st.sampled_from("abc"), child, min_size=1, max_size=3).map(Dict),
    ),
    max_leaves=4,
)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def pair(space: Any) -> tuple[tuple[Any, int], tuple[Any, int]]:
    from ray.rllib.models import ModelCatalog as RayCatalog

    return (
        ModelCatalog.get_action_dist(space, {}, framework="torch"),
        RayCatalog.get_action_dist(space, {}, framework="torch"),
    )


def compare(ours: Any, rays: Any, equal: Any, *, other: tuple[Any, Any] | None = None) -> None:
    torch.manual_seed(7)
    mine = ours.sample()
    torch.manual_seed(7)
    theirs = rays.sample()
    equal(mine, theirs)
    equal(ours.sampled_action_logp(), rays.sampled_action_logp())
    equal(ours.logp(mine), rays.logp(theirs))
    equal(ours.deterministic_sample(), rays.deterministic_sample())
    if other is not None:
        equal(ours.entropy(), rays.entropy())
        equal(ours.multi_entropy(), rays.multi_entropy())
        equal(ours.kl(other[0]), rays.kl(other[1]))
        equal(ours.multi_kl(other[0]), rays.multi_kl(other[1]))


@QUICK
@given(space=NESTED, batch=st.sampled_from([1, 3]), seed=st.integers(0, 1000))
def test_catalogs_choice_for_any_space(space, batch, seed, equal):
    (ours, size), (rays, ray_size) = pair(space)
    assert size == ray_size
    assert isinstance(size, int)
    generator = torch.Generator().manual_seed(seed)
    inputs, others = (3 * torch.randn(batch, size, generator=generator) for _ in range(2))
    compare(
        ours(inputs.clone(), None),
        rays(inputs.clone(), None),
        equal,
        other=(ours(others.clone(), None), rays(others.clone(), None)),
    )


def test_actions_side_by_side_as_batches_store_them(equal):
    space = Dict(a=Discrete(3), b=Box(-1, 1, (2,), np.float32), c=MultiDiscrete([2, 3]))
    (ours, size), (rays, _) = pair(space)
    inputs = torch.randn(4, size)
    flat = torch.tensor([[1, 0.5, -0.5, 1, 2]] * 4)
    equal(ours(inputs, None).logp(flat), rays(inputs, None).logp(flat))
    equal(ours(inputs, None).logp(flat.numpy()), rays(inputs, None).logp(flat.numpy()))


def test_logp_of_side_by_side_actions_draws_nothing():
    space = Tuple([Box(-1, 1, (2,), np.float32), Discrete(3)])
    (ours, size), _ = pair(space)
    dist = ours(torch.randn(4, size), None)
    drawn = dist.sample()
    state = torch.get_rng_state()
    dist.logp(torch.zeros(4, 3))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(dist.sampled_action_logp(), dist.logp(drawn))


@pytest.mark.parametrize(
    ("name", "width", "kwargs"),
    [
        ("TorchCategorical", 4, {"temperature": 0.5}),
        ("TorchSquashedGaussian", 6, {}),
        ("TorchSquashedGaussian", 6, {"low": -2.0, "high": 3.0}),
        ("TorchBeta", 6, {}),
        ("TorchBeta", 6, {"low": -2.0, "high": 3.0}),
        ("TorchDirichlet", 3, {}),
    ],
)
@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_others(name, width, kwargs, scale, equal):
    from ray.rllib.models.torch import torch_action_dist as ray_dists

    inputs = scale * torch.randn(5, width, generator=torch.Generator().manual_seed(0))
    ours = getattr(distributions, name)(inputs.clone(), None, **kwargs)
    rays = getattr(ray_dists, name)(inputs.clone(), None, **kwargs)
    equal(ours.inputs, rays.inputs)
    if name == "TorchDirichlet" and scale == 30.0:
        # Ray's own logp refuses the samples that its Dirichlet draws at this scale.
        equal(ours.deterministic_sample(), rays.deterministic_sample())
        return
    compare(ours, rays, equal)


def test_gradients_flow_through_samples_as_in_ray(equal):
    from ray.rllib.models.torch.torch_action_dist import TorchSquashedGaussian as Rays

    gradients = []
    for cls in (distributions.TorchSquashedGaussian, Rays):
        inputs = torch.linspace(-1, 1, 8).reshape(2, 4).requires_grad_()
        torch.manual_seed(0)
        dist = cls(inputs, None)
        (dist.sample().sum() + dist.sampled_action_logp().sum()).backward()
        gradients.append(inputs.grad)
    equal(*gradients)


def test_dirichlet_for_simplex_actions():
    dist, size = ModelCatalog.get_action_dist(Simplex((3,)), {}, framework="torch")
    assert dist is distributions.TorchDirichlet
    assert size == 3


def test_deterministic_for_box_actions(equal):
    from ray.rllib.models import ModelCatalog as RayCatalog

    space = Box(-1, 1, (3,), np.float32)
    ours, size = ModelCatalog.get_action_dist(space, {}, "deterministic", framework="torch")
    rays, ray_size = RayCatalog.get_action_dist(space, {}, "deterministic", framework="torch")
    assert size == ray_size
    inputs = torch.randn(2, 3)
    equal(ours(inputs, None).sample(), rays(inputs, None).sample())
    equal(ours(inputs, None).sampled_action_logp(), rays(inputs, None).sampled_action_logp())
    with pytest.raises(LegacyError, match="no density"):
        ours(inputs, None).logp(inputs)


class TestRepairs:
    """Where Ray is wrong, by our reading of RLLIB_FACTS A.5."""

    def test_temperature_leaves_the_callers_logits_alone(self):
        logits = torch.ones(2, 3)
        distributions.TorchCategorical(logits, None, temperature=2.0)
        assert torch.equal(logits, torch.ones(2, 3))

    def test_temperature_class(self):
        cls = distributions.get_torch_categorical_class_with_temperature(2.0)
        assert torch.equal(cls(torch.ones(2, 3), None).inputs, torch.full((2, 3), 0.5))

    def test_time_axes(self):
        logits = torch.randn(2, 5, 4)
        dist = distributions.TorchCategorical(logits, None)
        assert torch.equal(dist.deterministic_sample(), logits.argmax(-1))
        gaussian = distributions.TorchDiagGaussian(logits, None)
        assert torch.equal(gaussian.deterministic_sample(), logits[..., :2])
        assert gaussian.logp(torch.zeros(2, 5, 2)).shape == (2, 5)
        several = distributions.TorchMultiCategorical(logits, None, input_lens=[1, 3])
        assert several.sample().shape == (2, 5, 2)

    def test_sample_logp_of_squashed_gaussian_off_the_unit_interval(self):
        # Far from saturation, where tanh rounds differently.
        inputs = torch.cat([torch.randn(100, 1), torch.full((100, 1), -1.0)], dim=1)
        unit = distributions.TorchSquashedGaussian(inputs, None)
        wide = distributions.TorchSquashedGaussian(inputs, None, low=-3.0, high=5.0)
        torch.manual_seed(0)
        _, expected = unit.sample_logp()
        torch.manual_seed(0)
        actions, logp = wide.sample_logp()
        assert torch.allclose(logp, expected, atol=1e-4)
        assert actions.min() >= -3
        assert actions.max() > 1.5

    def test_slates(self):
        slates = torch.tensor([[0, 1], [0, 2], [1, 2]])
        dist = distributions.TorchSlateMultiCategorical(
            torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]),
            None,
            action_space=MultiDiscrete([3, 3]),
            all_slates=slates,
        )
        assert dist.deterministic_sample().tolist() == [[0, 2], [1, 2]]
        assert dist.logp(None).tolist() == [1, 1]

    def test_integer_box_with_all_of_int8(self):
        space = Box(-128, 127, (2,), np.int8)
        _, size = ModelCatalog.get_action_dist(space, {}, framework="torch")
        assert size == 512

    def test_numpy_inputs(self):
        dist = distributions.TorchCategorical(np.zeros((2, 3), np.float32), None)
        assert isinstance(dist.inputs, torch.Tensor)

    def test_squashed_gaussian_without_entropy_says_so(self):
        dist = distributions.TorchSquashedGaussian(torch.randn(2, 2), None)
        with pytest.raises(ValueError, match="closed form"):
            dist.entropy()
        with pytest.raises(ValueError, match="closed form"):
            dist.kl(dist)


class TestCustomDistributions:
    def test_registered_class_with_its_own_size(self):
        class Mine(distributions.TorchDistributionWrapper):
            @staticmethod
            def required_model_output_shape(action_space, model_config):
                return 7

        ModelCatalog.register_custom_action_dist("mine", Mine)
        found = ModelCatalog.get_action_dist(
            Discrete(2), {"custom_action_dist": "mine"}, framework="torch"
        )
        assert found == (Mine, 7)

    def test_registered_multi_distribution_gets_the_children(self):
        class Mine(distributions.TorchMultiActionDistribution):
            pass

        ModelCatalog.register_custom_action_dist("mine_multi", Mine)
        cls, size = ModelCatalog.get_action_dist(
            Tuple([Discrete(2), Discrete(3)]),
            {"custom_action_dist": "mine_multi"},
            framework="torch",
        )
        assert cls.func is Mine
        assert size == 5

    def test_unregistered_name_says_what_to_call(self):
        with pytest.raises(ValueError, match=r"custom_action_dist='nope'.*register_custom_action"):
            ModelCatalog.get_action_dist(
                Discrete(2), {"custom_action_dist": "nope"}, framework="torch"
            )

    def test_class_given_directly(self):
        found = ModelCatalog.get_action_dist(
            Box(-1, 1, (2,), np.float32), {}, distributions.TorchBeta, framework="torch"
        )
        assert found == (distributions.TorchBeta, 4)


def test_box_of_two_axes_is_refused_with_advice():
    with pytest.raises(UnsupportedSpace, match="flatten it"):
        ModelCatalog.get_action_dist(Box(-1, 1, (2, 2), np.float32), {}, framework="torch")


@pytest.mark.parametrize("space", [*LEAVES, Tuple([Discrete(2), Box(-1, 1, (2,), np.float32)])])
def test_action_shape(space):
    from ray.rllib.models import ModelCatalog as RayCatalog

    assert ModelCatalog.get_action_shape(space, "torch") == RayCatalog.get_action_shape(
        space, "torch"
    )
