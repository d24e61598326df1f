"""Cases drawn by hypothesis, and failing batches made small."""

import json

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text, Tuple
from hypothesis import HealthCheck, find, given, settings

from rlmigrate.compat.parity import Status, assert_parity, check_parity, strategies
from rlmigrate.compat.parity.arrays import flatten
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.cases.plain import from_plain, in_words, to_plain
from rlmigrate.compat.parity.render import render
from rlmigrate.compat.parity.shrink import shrink
from rlmigrate.errors import ParityError, UsageError

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SPACES = [
    Box(-1.0, 1.0, (4,)),
    Box(-np.inf, np.inf, (2, 3)),
    Box(2.0, 3.0, (2,), np.float64),
    Box(np.float32([-1, 0]), np.float32([0, 5])),
    Box(-1.0, 1.0, ()),
    Box(0, 255, (4, 4, 3), np.uint8),
    Box(np.array([-3, 1]), np.array([3, 2]), dtype=np.int64),
    Box(0, 1, (3,), np.int8),
    Discrete(4, start=2),
    MultiDiscrete([2, 5]),
    MultiDiscrete([[2, 5], [3, 3]]),
    MultiBinary(6),
    MultiBinary([2, 2]),
    Tuple([Discrete(2), Box(-1.0, 1.0, ())]),
    Dict({"action_mask": Box(0.0, 1.0, (3,)), "observations": Box(-1.0, 1.0, (2,))}),
    Dict({"z": Box(-1.0, 1.0, (2,)), "a": Dict({"deep": Discrete(3)})}),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_drawn_values_lie_in_their_space(space):
    @FEW
    @given(strategies.values(space))
    def inside(value):
        assert space.contains(value), value

    inside()


def test_rllibs_own_spaces_are_drawn():
    from ray.rllib.utils.spaces.repeated import Repeated
    from ray.rllib.utils.spaces.simplex import Simplex

    simplex, repeated = Simplex((3,)), Repeated(Discrete(3), 4)

    @FEW
    @given(strategies.values(simplex), strategies.values(repeated))
    def inside(point, several):
        assert simplex.contains(point)
        assert repeated.contains(several)

    inside()


def test_space_that_rllib_does_not_take_is_refused():
    with pytest.raises(UsageError, match="no strategy for Text"):
        strategies.values(Text(4))


def test_edges_are_drawn_too():
    space = Box(-2.0, 3.0, (1,))
    for wanted in (-2.0, 0.0, 3.0):
        found = find(strategies.values(space), lambda v, w=wanted: v[0] == w, settings=FEW_FOUND)
        assert found.tolist() == [wanted]


FEW_FOUND = settings(max_examples=2000, deadline=None, database=None)


def test_masks_allow_something():
    mask = Dict({"action_mask": Box(0.0, 1.0, (3,)), "x": Discrete(2)})

    @FEW
    @given(strategies.values(mask))
    def allowed(value):
        assert value["action_mask"].any()
        assert set(np.unique(value["action_mask"])) <= {0.0, 1.0}

    allowed()


def test_drawn_sequences_are_padded_with_zeros():
    @FEW
    @given(strategies.cases(Box(1.0, 2.0, (1,)), Discrete(2), state_sizes=((3,),)))
    def padded(case):
        steps = case.obs.reshape(len(case.seq_lens), case.steps)
        for row, length in zip(steps, case.seq_lens, strict=True):
            assert (row[:length] >= 1).all()
            assert (row[length:] == 0).all()
        assert case.state[0].shape == (len(case.seq_lens), 3)

    padded()


@pytest.mark.parametrize("name", ["Gauss", "Masked", "Parts", "Several"])
def test_right_module_passes_on_drawn_cases(planted, name):
    old, new, spaces = planted("nets", name)

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=strategies.cases(*spaces.values(), max_rows=4))
    def same(case):
        assert_parity(old, new, **spaces, cases=[case], gradients=False)

    same()


def test_hypothesis_finds_and_shrinks_a_fault_of_one_point(planted):
    """The module is wrong only where the first number is above 0.9: a rare input."""
    old, new, spaces = planted("nets", "Gauss")

    class Rare(new):
        def _forward(self, batch, **kwargs):
            out = dict(super()._forward(batch, **kwargs))
            key = "action_dist_inputs"
            out[key] = out[key] + 0.5 * (batch["obs"][..., :1] > 0.9)
            return out

    def fails(case):
        report = check_parity(old, Rare, **spaces, cases=[case], gradients=False, localise=False)
        return report.status is Status.FAIL

    small = find(
        strategies.cases(*spaces.values(), max_rows=3),
        fails,
        settings=settings(max_examples=300, deadline=None, database=None),
    )
    assert small.rows == 1
    assert small.obs[0, 0] > 0.9
    assert not small.obs[0, 1:].any()


def counted(predicate):
    return lambda tried: [predicate(case) for case in tried]


def test_batch_shrinks_to_the_row_that_fails():
    obs = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
    obs[17, 1] = 7.0
    case = Case("batch", obs, np.arange(32))
    small = shrink(case, counted(lambda c: bool((c.obs[:, 1] > 5).any())))
    assert small.obs.tolist() == [[0.0, 7.0, 0.0]]
    assert small.actions.tolist() == [17]


def test_failure_of_two_rows_together_keeps_both():
    obs = np.arange(8, dtype=np.float32)[:, None] + 1
    case = Case("batch", obs, np.zeros(8, int))
    small = shrink(case, counted(lambda c: c.rows >= 2))
    assert small.rows == 4  # halves of the batch, not all pairs, are tried


def test_sequence_shrinks_to_its_first_failing_steps():
    lengths = np.array([2, 5], np.int32)
    obs = np.random.default_rng(0).normal(size=(10, 1)).astype(np.float32)
    state = (np.ones((2, 4), np.float32),)
    case = Case("sequences", obs, np.zeros(10, int), lengths, state)
    small = shrink(case, counted(lambda c: c.steps >= 3))
    assert small.seq_lens.tolist() == [3]
    assert not small.state[0].any()


def test_case_that_nothing_smaller_fails_is_kept():
    case = Case("batch", np.ones((2, 1), np.float32), np.zeros(2, int))
    assert np.array_equal(shrink(case, lambda tried: [False] * len(tried)).obs, case.obs)


def test_masks_are_not_simplified():
    obs = {"action_mask": np.float32([[1, 0, 1]]), "x": np.float32([[0.25]])}
    small = shrink(Case("c", obs, np.zeros(1, int)), lambda tried: [True] * len(tried))
    assert small.obs["action_mask"].tolist() == [[1, 0, 1]]
    assert small.obs["x"].tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NanOnZeros", "1 row: obs [0., 0., 0., 0.]; actions"),
        ("Transposed", "1 row: obs"),
        ("LengthsIgnored", "sequences of "),
    ],
)
def test_report_shows_a_small_input_that_still_fails(planted, name, words):
    old, new, spaces = planted("faulty", name)
    report = check_parity(old, new, **spaces, gradients=False)
    assert f"smallest failing input: {words}" in render(report, "text")
    small = from_plain(json.loads(report.to_json())["results"][0]["smallest"])
    again = check_parity(old, new, **spaces, cases=[small], gradients=False, localise=False)
    assert again.status is Status.FAIL


def test_passing_report_has_no_input(planted):
    old, new, spaces = planted("nets", "Gauss")
    assert check_parity(old, new, **spaces).results[0].smallest is None


@FEW
@given(
    strategies.cases(
        Dict({"a": Box(-1.0, 1.0, (2,)), "b": Tuple([Discrete(3), MultiBinary(2)])}),
        Discrete(3),
        state_sizes=((2,),),
    )
)
def test_case_survives_json(case):
    again = from_plain(json.loads(json.dumps(to_plain(case))))
    ours, theirs = flatten(case.obs), flatten(again.obs)
    assert ours.keys() == theirs.keys()
    for path, leaf in ours.items():
        assert leaf.dtype == theirs[path].dtype
        assert np.array_equal(leaf, theirs[path])
    assert np.array_equal(case.seq_lens, again.seq_lens)
    assert np.array_equal(case.state[0], again.state[0])
    assert in_words(again) == in_words(case)


def test_assert_parity_says_the_small_input(planted):
    old, new, spaces = planted("faulty", "NanOnZeros")
    with pytest.raises(ParityError, match="smallest failing input: 1 row"):
        assert_parity(old, new, **spaces, gradients=False)
