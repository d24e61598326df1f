"""View requirements and sequence padding against Ray 2.60's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ray.rllib.policy import rnn_sequencing as ray_seq
from ray.rllib.policy.sample_batch import SampleBatch as RaySampleBatch
from ray.rllib.policy.view_requirement import ViewRequirement as RayViewRequirement

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import (
    SampleBatch,
    ViewRequirement,
    add_time_dimension,
    attention_mask,
    chop_into_sequences,
    get_fold_unfold_fns,
    pad_batch_to_sequences_of_same_size,
    timeslice_along_seq_lens_with_overlap,
)


@pytest.mark.parametrize("shift", [0, -1, 2, [-3, -2, -1, 0], "-3:0", "-50:-1", "-4:4:2"])
def test_shift_forms(shift):
    ours, theirs = ViewRequirement("obs", shift=shift), RayViewRequirement("obs", shift=shift)
    np.testing.assert_array_equal(ours.shift_arr, theirs.shift_arr)
    for name in ("shift_from", "shift_to", "shift_step", "space", "data_col"):
        assert getattr(ours, name) == getattr(theirs, name)


def test_a_range_that_begins_now_has_its_steps():
    # RLlib takes a range from 0 for no range and then has no shift_arr at all.
    assert list(ViewRequirement(shift="0:3").shift_arr) == [0, 1, 2, 3]
    assert not hasattr(RayViewRequirement(shift="0:3"), "shift_arr")


@pytest.mark.parametrize("shift", ["3", "a:b", "1:2:3:4", 1.5, None])
def test_other_shifts_are_refused(shift):
    with pytest.raises(LegacyError, match="shift is"):
        ViewRequirement(shift=shift)


@pytest.mark.parametrize("index", ["last", 2, -1])
def test_single_step_input(columns, index, same_batch):
    flat = {k: v for k, v in columns.items() if not isinstance(v, dict)}
    flat["obs"], flat["new_obs"] = columns["obs"]["a"], columns["new_obs"]["a"]
    flat["state_in_0"] = np.zeros((3, 4, 2), np.float32)
    flat["state_out_0"] = np.arange(24, dtype=np.float32).reshape(12, 2)
    views = {
        "obs": {},
        "prev_actions": {"data_col": "actions", "shift": -1},
        "prev_rewards": {"data_col": "rewards", "shift": -1},
        "rewards": {"used_for_compute_actions": False},
    }
    if index == "last":
        views["state_in_0"] = {
            "data_col": "state_out_0",
            "shift": "-4:-1",
            "batch_repeat_value": 5,
        }
    same_batch(
        SampleBatch(flat).get_single_step_input_dict(
            {k: ViewRequirement(**v) for k, v in views.items()}, index
        ),
        RaySampleBatch(flat).get_single_step_input_dict(
            {k: RayViewRequirement(**v) for k, v in views.items()}, index
        ),
    )


CHOP = {
    "episode_ids": [1, 1, 5, 5, 5, 5, 5, 6],
    "unroll_ids": [4, 4, 4, 4, 4, 4, 4, 4],
    "agent_indices": [0] * 8,
    "feature_columns": [
        np.arange(1.0, 9.0),
        np.arange(16).reshape(8, 2),
        np.array(["a"] * 8),
        list(range(8)),
    ],
    "state_columns": [np.arange(8).reshape(8, 1), list(range(8))],
}


@pytest.mark.parametrize("padding", ["zero", "last"])
@pytest.mark.parametrize("dynamic_max", [True, False])
@pytest.mark.parametrize("extra", [0, 2])
def test_chop_into_sequences(padding, dynamic_max, extra):
    kwargs = {"max_seq_len": 3, "dynamic_max": dynamic_max, "padding": padding}
    kwargs["_extra_padding"] = extra
    ours = chop_into_sequences(**CHOP, **kwargs)
    theirs = ray_seq.chop_into_sequences(**CHOP, **kwargs)
    for a, b in zip(ours, theirs, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
            assert np.asarray(x).dtype == np.asarray(y).dtype


def test_chopping_with_lengths_and_reduced_states():
    kwargs = {
        "feature_columns": [{"a": np.arange(5), "b": (np.ones((5, 2)),)}],
        "state_columns": [np.arange(2)],
        "seq_lens": np.array([2, 3]),
        "max_seq_len": 4,
        "states_already_reduced_to_init": True,
        "handle_nested_data": True,
    }
    ours, theirs = chop_into_sequences(**kwargs), ray_seq.chop_into_sequences(**kwargs)
    for a, b in zip(ours[0][0], theirs[0][0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert ours[1][0] is kwargs["state_columns"][0]


def recurrent(columns):
    data = {k: v.copy() for k, v in columns.items() if not isinstance(v, dict)}
    data["obs"] = {k: v.copy() for k, v in columns["obs"].items()}
    data["state_in_0"] = np.arange(24, dtype=np.float32).reshape(12, 2)
    data["state_out_0"] = data["state_in_0"] + 1
    return data


@pytest.mark.parametrize("shift", [-1, "-50:-1"])
@pytest.mark.parametrize("feature_keys", [None, ["t", "rewards"]])
def test_padding_a_recurrent_batch(columns, shift, feature_keys, same_batch):
    ours, theirs = SampleBatch(recurrent(columns)), RaySampleBatch(recurrent(columns))
    for batch, view, pad in (
        (ours, ViewRequirement, pad_batch_to_sequences_of_same_size),
        (theirs, RayViewRequirement, ray_seq.pad_batch_to_sequences_of_same_size),
    ):
        pad(
            batch,
            max_seq_len=4,
            feature_keys=feature_keys,
            view_requirements={"state_in_0": view("state_out_0", shift=shift)},
        )
    same_batch(ours, theirs)
    before = dict(ours)
    pad_batch_to_sequences_of_same_size(ours, max_seq_len=9)
    assert dict(ours) == before or all(ours[k] is before[k] for k in before)


def test_padding_a_flat_batch_shuffles_only(columns, same_batch):
    ours, theirs = SampleBatch(columns), RaySampleBatch(columns)
    np.random.seed(1)
    pad_batch_to_sequences_of_same_size(ours, max_seq_len=4, shuffle=True)
    np.random.seed(1)
    ray_seq.pad_batch_to_sequences_of_same_size(theirs, max_seq_len=4, shuffle=True)
    same_batch(ours, theirs)


def test_padding_agents_to_a_divisible_size(columns, same_batch):
    data = {k: v for k, v in columns.items() if not isinstance(v, dict)}
    data["obs"] = columns["obs"]["a"]
    ours, theirs = SampleBatch(data), RaySampleBatch(data)
    pad_batch_to_sequences_of_same_size(ours, max_seq_len=4, batch_divisibility_req=5)
    ray_seq.pad_batch_to_sequences_of_same_size(theirs, max_seq_len=4, batch_divisibility_req=5)
    same_batch(ours, theirs)
    assert len(ours["obs"]) % 5 == 0


def test_shuffled_sequences_stay_whole(columns):
    # RLlib raises here: it mixes up columns and their leaves.
    batch = SampleBatch(recurrent(columns))
    pad_batch_to_sequences_of_same_size(
        batch, 4, shuffle=True, view_requirements={"state_in_0": ViewRequirement(shift=-1)}
    )
    for i, steps in enumerate(batch["seq_lens"]):
        rows = slice(4 * i, 4 * i + steps)
        assert len(set(batch["eps_id"][rows])) == 1
        assert list(np.diff(batch["t"][rows])) == [1] * (steps - 1)


@pytest.mark.parametrize("zero_init", [True, False])
def test_overlapping_slices(columns, zero_init, same_batch):
    data = {k: v for k, v in recurrent(columns).items() if k != "obs"}
    args = {"seq_lens": [4, 3, 3, 2], "zero_pad_max_seq_len": 6, "pre_overlap": 2}
    ours = timeslice_along_seq_lens_with_overlap(
        SampleBatch(data), **args, zero_init_states=zero_init
    )
    theirs = ray_seq.timeslice_along_seq_lens_with_overlap(
        RaySampleBatch(data), **args, zero_init_states=zero_init
    )
    for a, b in zip(ours, theirs, strict=True):
        same_batch(a, b)


@pytest.mark.parametrize("time_major", [False, True])
def test_time_dimension(time_major):
    flat = torch.arange(24.0).reshape(12, 2)
    lens = torch.tensor([1, 4, 2])
    kwargs = {"seq_lens": lens, "framework": "torch", "time_major": time_major}
    ours, theirs = add_time_dimension(flat, **kwargs), ray_seq.add_time_dimension(flat, **kwargs)
    assert torch.equal(ours, theirs)
    array = add_time_dimension(flat.numpy(), **{**kwargs, "framework": "np"})
    np.testing.assert_array_equal(array, theirs.numpy())


def test_fold_and_unfold():
    data = {"a": torch.arange(24.0).reshape(3, 4, 2), "none": None}
    fold, unfold = get_fold_unfold_fns(3, 4, "torch")
    ray_fold, _ = ray_seq.get_fold_unfold_fns(3, 4, "torch")
    assert torch.equal(fold(data)["a"], ray_fold(data)["a"])
    assert torch.equal(unfold(fold(data))["a"], data["a"])
    with pytest.raises(ValueError, match="expected \\(3, 4"):
        fold(torch.zeros(4, 3))


def test_attention_mask():
    np.testing.assert_array_equal(attention_mask([1, 3], 3), [[1, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(attention_mask([1, 3], 3, padding="left")[0], [0, 0, 1])


def test_time_dimension_from_a_maximum_length_as_in_ray_1():
    flat = torch.arange(24.0).reshape(6, 4)
    for framework in ("torch", "np"):
        got = add_time_dimension(flat.numpy(), max_seq_len=3, framework=framework)
        assert np.array_equal(got, flat.reshape(2, 3, 4))
        major = {"max_seq_len": 3, "framework": framework, "time_major": True}
        swapped = flat.reshape(2, 3, 4).swapaxes(0, 1)
        assert np.array_equal(add_time_dimension(flat.numpy(), **major), swapped)
    with pytest.raises(ValueError, match="seq_lens"):
        add_time_dimension(flat, framework="torch")
