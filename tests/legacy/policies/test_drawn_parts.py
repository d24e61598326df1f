"""Advantages, explorations and views against Ray 2.60's over drawn settings and seeds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.rllib.evaluation import postprocessing as ray_postprocessing
from ray.rllib.models.torch import torch_action_dist as ray_dists
from ray.rllib.policy.sample_batch import SampleBatch as RayBatch
from ray.rllib.policy.view_requirement import ViewRequirement as RayView
from ray.rllib.utils import exploration as ray_exploration

from rlmigrate.legacy import distributions, exploration, postprocessing
from rlmigrate.legacy.batches import SampleBatch, ViewRequirement

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**31 - 1)
PARTS = st.sampled_from([0.0, 0.5, 0.95, 1.0])


def trajectory(length: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "obs": rng.normal(size=(length, 2)).astype(np.float32),
        "new_obs": rng.normal(size=(length, 2)).astype(np.float32),
        "rewards": rng.normal(size=length).astype(np.float32),
        "actions": rng.integers(0, 3, length),
        "vf_preds": rng.normal(size=length).astype(np.float32),
        "terminateds": np.zeros(length, bool),
        "truncateds": np.zeros(length, bool),
    }


def same(ours: Any, rays: Any) -> None:
    assert set(ours) == set(rays)
    for key in rays:
        left, right = np.asarray(ours[key]), np.asarray(rays[key])
        assert left.dtype == right.dtype, key
        np.testing.assert_array_equal(left, right, err_msg=key)


@given(st.integers(1, 9), PARTS, PARTS, st.booleans(), st.booleans(), st.floats(-2, 2), SEEDS)
@QUICK
def test_advantages(
    length: int, gamma: float, lambda_: float, gae: bool, critic: bool, last: float, seed: int
) -> None:
    found = []
    for batch, module in ((SampleBatch, postprocessing), (RayBatch, ray_postprocessing)):
        columns: Any = batch(trajectory(length, seed))
        found.append(
            module.compute_advantages(columns, last, gamma, lambda_, gae and critic, critic)
        )
    same(found[0], found[1])


@given(st.integers(1, 9), PARTS, PARTS, st.sampled_from(["terminateds", "truncateds", ""]), SEEDS)
@QUICK
def test_generalized_advantages_of_a_policy(
    length: int, gamma: float, lambda_: float, end: str, seed: int
) -> None:
    config = {"gamma": gamma, "lambda": lambda_, "use_gae": True, "use_critic": True}
    found = []
    for batch, module, view in (
        (SampleBatch, postprocessing, ViewRequirement),
        (RayBatch, ray_postprocessing, RayView),
    ):
        data = trajectory(length, seed)
        if end:
            data[end][-1] = True
        policy = SimpleNamespace(
            config={
                **config,
                "_enable_rl_module_api": False,
                "enable_rl_module_and_learner": False,
            },
            model=SimpleNamespace(view_requirements={"obs": view(shift=0)}),
            view_requirements={"obs": view(shift=0)},
            is_recurrent=lambda: False,
            num_state_tensors=lambda: 0,
            _value=lambda **columns: float(np.sum(columns["obs"])),
        )
        found.append(module.compute_gae_for_sample_batch(policy, batch(data)))  # type: ignore[arg-type]
    same(found[0], found[1])


@given(st.integers(1, 9), st.integers(1, 5), PARTS, st.booleans(), SEEDS)
@QUICK
def test_rewards_of_several_steps(length: int, n: int, gamma: float, ends: bool, seed: int) -> None:
    found = []
    for batch, module in ((SampleBatch, postprocessing), (RayBatch, ray_postprocessing)):
        data = trajectory(length, seed)
        data["terminateds"][-1] = ends
        columns: Any = batch(data)
        module.adjust_nstep(n, gamma, columns)
        found.append(columns)
    same(found[0], found[1])


DISCRETE, BOX = gym.spaces.Discrete(4), gym.spaces.Box(-1.0, 2.0, (2,), np.float32)
STEPS = st.sampled_from([10, 100])
KINDS = st.one_of(
    st.tuples(st.just("StochasticSampling"), st.fixed_dictionaries({})),
    st.tuples(st.just("Random"), st.fixed_dictionaries({})),
    st.tuples(st.just("SoftQ"), st.fixed_dictionaries({"temperature": st.floats(0.5, 2.0)})),
    st.tuples(
        st.just("EpsilonGreedy"),
        st.fixed_dictionaries({"initial_epsilon": PARTS, "epsilon_timesteps": STEPS}),
    ),
)
NOISES = st.one_of(
    st.tuples(
        st.just("GaussianNoise"),
        st.fixed_dictionaries(
            {
                "random_timesteps": st.sampled_from([0, 10]),
                "stddev": PARTS,
                "scale_timesteps": STEPS,
            }
        ),
    ),
    st.tuples(
        st.just("OrnsteinUhlenbeckNoise"),
        st.fixed_dictionaries(
            {"random_timesteps": st.sampled_from([0, 10]), "ou_sigma": PARTS, "ou_theta": PARTS}
        ),
    ),
)


def explored(
    home: Any, dists: Any, kind: str, given: Any, space: Any, seed: int, explore: bool
) -> list[Any]:
    """Actions and their log-probabilities at four time steps, from one stream of dice."""
    explorer = getattr(home, kind)(
        space,
        framework="torch",
        policy_config={},
        model=torch.nn.Linear(1, 1),
        num_workers=0,
        worker_index=0,
        **given,
    )
    inputs = torch.from_numpy(np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32))
    space.seed(seed)
    np.random.seed(seed % 1000)
    torch.manual_seed(seed)
    import random

    random.seed(seed)
    found = []
    for timestep in (0, 5, 50, 500):
        if isinstance(space, gym.spaces.Discrete):
            dist = dists.TorchCategorical(inputs.clone(), None)  # Ray divides in place
        else:
            dist = dists.TorchDeterministic(inputs[:, :2], None)
        given_now = {"timestep": timestep, "explore": explore}
        action, logp = explorer.get_exploration_action(action_distribution=dist, **given_now)
        found += [np.asarray(action), np.asarray(logp), str(np.asarray(logp).dtype)]
    return found


@given(
    st.one_of(st.tuples(KINDS, st.just("discrete")), st.tuples(NOISES, st.just("box"))),
    SEEDS,
    st.booleans(),
)
@QUICK
def test_explorations(drawn: Any, seed: int, explore: bool) -> None:
    (kind, settings_of_kind), space = drawn
    taken = []
    for home, dists in ((exploration, distributions), (ray_exploration, ray_dists)):
        own = DISCRETE if space == "discrete" else BOX
        taken.append(explored(home, dists, kind, settings_of_kind, own, seed, explore))
    for ours, rays in zip(*taken, strict=True):
        np.testing.assert_array_equal(ours, rays)


SHIFTS = st.one_of(
    st.integers(-4, 4),
    st.lists(st.integers(-4, 2), min_size=1, max_size=3),
    st.tuples(st.integers(-5, -3), st.integers(-2, 0)).map(lambda ends: f"{ends[0]}:{ends[1]}"),
    st.just("-6:0:2"),
)


@given(SHIFTS, st.booleans(), st.integers(1, 4), st.sampled_from([None, "obs"]))
@QUICK
def test_views(shift: Any, acts: bool, repeat: int, column: Any) -> None:
    arguments: dict[str, Any] = {
        "data_col": column,
        "shift": shift,
        "used_for_compute_actions": acts,
        "batch_repeat_value": repeat,
        "space": BOX,
    }
    ours, rays = ViewRequirement(**arguments), RayView(**arguments)
    for name in ("data_col", "shift", "shift_from", "shift_to", "shift_step", "index"):
        assert getattr(ours, name) == getattr(rays, name), name
    np.testing.assert_array_equal(ours.shift_arr, rays.shift_arr)
    assert ours.batch_repeat_value == rays.batch_repeat_value
    assert ours.to_dict() == rays.to_dict()


@given(SEEDS)
@settings(max_examples=10, deadline=None, derandomize=True)
def test_the_comparisons_see_another_seed_and_another_discount(seed: int) -> None:
    given_noise = {"stddev": 1.0, "random_timesteps": 0}
    first, second = (
        explored(exploration, distributions, "GaussianNoise", given_noise, BOX, s, True)
        for s in (seed, seed + 1)
    )
    assert not np.array_equal(first[0], second[0])
    advantages = [
        postprocessing.compute_advantages(SampleBatch(trajectory(6, seed)), 0.5, gamma)
        for gamma in (0.9, 0.91)
    ]
    assert not np.array_equal(advantages[0]["advantages"], advantages[1]["advantages"])
