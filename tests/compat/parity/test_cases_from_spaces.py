"""The cases that a comparison makes from spaces."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from rlmigrate.compat.parity.arrays import flatten
from rlmigrate.compat.parity.cases import CaseOptions, plan_cases

MASKED = Dict(
    {"action_mask": Box(0.0, 1.0, (3,)), "observations": Box(-1.0, 1.0, (2,))},
)
SPACES = [
    Box(-1.0, 1.0, (4,)),
    Box(-np.inf, np.inf, (2, 3)),
    Box(0, 255, (8, 8, 3), np.uint8),
    Discrete(4, start=2),
    MultiDiscrete([2, 5]),
    MultiBinary(6),
    Tuple([Discrete(2), Box(-1.0, 1.0, ())]),
    MASKED,
    Dict({"z": Box(-1.0, 1.0, (2,)), "a": Dict({"deep": Discrete(3)})}),
]


def plan(space, **options):
    return {c.name: c for c in plan_cases(space, Discrete(3), options=CaseOptions(**options))}


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_every_row_lies_in_its_space(space):
    for case in plan(space).values():
        for row in range(case.rows):
            leaves = {path: leaf[row] for path, leaf in flatten(case.obs).items()}
            single = rebuild(space, leaves, "")
            assert space.contains(single), (case.name, single)


def rebuild(space, leaves, path):
    if isinstance(space, Dict):
        return {k: rebuild(p, leaves, f"{path}.{k}" if path else k) for k, p in space.items()}
    if isinstance(space, Tuple):
        parts = enumerate(space.spaces)
        return tuple(rebuild(p, leaves, f"{path}.{k}" if path else str(k)) for k, p in parts)
    return leaves[path or "value"]


def test_same_arguments_give_the_same_bits():
    for one, two in zip(plan(MASKED).values(), plan(MASKED).values(), strict=True):
        for path, leaf in flatten(one.obs).items():
            assert np.array_equal(leaf, flatten(two.obs)[path])


def test_another_seed_gives_other_samples():
    one, two = plan(MASKED)["batch 32"], plan(MASKED, seed=1)["batch 32"]
    assert not np.array_equal(one.obs["observations"], two.obs["observations"])


def test_batches_of_1_2_32_33_share_their_rows():
    cases = plan(Box(-1.0, 1.0, (4,)))
    assert [cases[f"batch {n}"].rows for n in (1, 2, 32, 33)] == [1, 2, 32, 33]
    assert np.array_equal(cases["batch 2"].obs, cases["batch 33"].obs[:2])


def test_masks_allow_one_action_each_then_all():
    cases = plan(MASKED)
    assert cases["one legal"].obs["action_mask"].tolist() == np.eye(3).tolist()
    assert cases["all legal"].obs["action_mask"].tolist() == [[1.0, 1.0, 1.0]]


def test_sampled_masks_hold_zeros_and_ones_and_allow_something():
    mask = plan(MASKED)["batch 33"].obs["action_mask"]
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert (mask.sum(axis=1) >= 1).all()


def test_each_category_occurs_from_its_start():
    assert plan(Discrete(4, start=2))["categories"].obs.tolist() == [2, 3, 4, 5]


def test_uint8_edges_are_0_and_255():
    cases = plan(Box(0, 255, (2,), np.uint8))
    assert cases["low"].obs.tolist() == [[0, 0]]
    assert cases["high"].obs.tolist() == [[255, 255]]


def test_endless_bounds_are_taken_at_a_million():
    cases = plan(Box(-np.inf, np.inf, (1,)))
    assert cases["high"].obs.tolist() == [[1e6]]


def test_given_actions_hold_the_bounds():
    cases = plan_cases(MASKED, Box(-2.0, 2.0, (1,)), options=CaseOptions())
    actions = next(case for case in cases if case.name == "batch 32").actions
    assert actions.min() == -2.0
    assert actions.max() == 2.0


def test_given_actions_count_from_0_whatever_the_start():
    cases = plan_cases(MASKED, Discrete(3, start=7), options=CaseOptions())
    actions = next(case for case in cases if case.name == "batch 32").actions
    assert set(actions.tolist()) == {0, 1, 2}


def test_recurrent_cases_are_ragged_with_zero_padding():
    cases = plan(Box(1.0, 2.0, (1,)), state_sizes=((5,),))
    ragged = cases["sequences 1,20,7"]
    assert ragged.seq_lens.tolist() == [1, 20, 7]
    assert ragged.rows == 60
    assert ragged.state[0].shape == (3, 5)
    assert (ragged.obs[1:20] == 0).all()
    assert (ragged.obs[20:40] >= 1).all()
