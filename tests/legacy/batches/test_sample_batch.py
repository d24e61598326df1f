"""SampleBatch against Ray 2.60's, on the same columns."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from ray.rllib.policy import sample_batch as ray_batches

from rlmigrate.legacy.batches import (
    MultiAgentBatch,
    SampleBatch,
    concat_samples,
    convert_ma_batch_to_sample_batch,
)


def pair(columns, **kwargs):
    return SampleBatch(columns, **kwargs), ray_batches.SampleBatch(columns, **kwargs)


def sequenced(columns, **kwargs):
    """The columns without nested observations, as four sequences."""
    flat = {k: v for k, v in columns.items() if not isinstance(v, dict)}
    flat["obs"] = columns["obs"]["a"]
    flat["state_in_0"] = np.arange(8, dtype=np.float32).reshape(4, 2)
    flat["seq_lens"] = [3, 2, 4, 3]
    return pair(flat, **kwargs)


def test_all_column_names_of_ray_are_there():
    names = [n for n in dir(ray_batches.SampleBatch) if n.isupper()]
    assert len(names) > 20
    for name in names:
        assert getattr(SampleBatch, name) == getattr(ray_batches.SampleBatch, name)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"obs": [1, 2, 3]},
        {"obs": 3.0, "infos": [{}, {}]},
        {"seq_lens": [], "obs": [1]},
        {"seq_lens": None, "obs": [1]},
        {"seq_lens": [2, 2], "obs": np.zeros((4, 3))},
        {"state_in_0": np.zeros((1, 4)), "obs": (np.zeros((5, 2)), np.zeros(5))},
        {"obs": torch.zeros(3, 2), "seq_lens": torch.tensor([1, 2])},
        {"obs": [1], "is_training": True},
    ],
)
def test_construction(data, same_batch):
    ours, theirs = pair(dict(data))
    same_batch(ours, theirs)
    assert ours.is_training == theirs.is_training
    assert len(ours) == len(theirs)
    assert repr(ours) == repr(theirs)


def test_dones_cannot_be_set_but_reads_the_terminateds(columns):
    ours, theirs = pair(columns)
    np.testing.assert_array_equal(ours["dones"], theirs["dones"])
    with pytest.raises(KeyError, match="terminateds"):
        ours["dones"] = ours["terminateds"]
    with pytest.raises(KeyError, match="terminateds"):
        SampleBatch(dones=[True])


@pytest.mark.parametrize("bounds", [(None, None), (0, 4), (3, 7), (5, 100), (4, None), (-3, None)])
def test_slices_of_rows(columns, bounds, same_batch):
    ours, theirs = pair({**columns, "infos": [{"i": i} for i in range(12)]})
    same_batch(ours[slice(*bounds)], theirs[slice(*bounds)])


@pytest.mark.parametrize("bounds", [(0, 3), (0, 5), (3, 9), (4, 8), (0, 12), (5, None)])
def test_slices_of_whole_sequences(columns, bounds, same_batch):
    ours, theirs = sequenced(columns)
    same_batch(ours[slice(*bounds)], theirs[slice(*bounds)])
    ours.right_zero_pad(5)
    theirs.right_zero_pad(5)
    same_batch(ours[slice(*bounds)], theirs[slice(*bounds)])


@pytest.mark.parametrize("bounds", [(0, 3), (1, 3), (2, 7), (4, 12), (-2, 4), (0, 12)])
def test_slices_of_exact_steps_cut_sequences(columns, bounds, same_batch):
    ours, theirs = sequenced(columns)
    if bounds[0] < 0:
        ours.pop("unroll_id")
        theirs.pop("unroll_id")
    same_batch(ours.slice(*bounds), theirs.slice(*bounds))
    same_batch(ours.slice(0, 4, 0, 2), theirs.slice(0, 4, 0, 2))


def test_an_empty_slice_is_empty_where_ray_gives_everything(columns):
    ours, theirs = pair(columns)
    assert len(theirs[0:0]) == 12
    assert len(ours[0:0]) == 0


def test_slicing_with_a_step_is_refused(columns):
    with pytest.raises(ValueError, match="step must be 1"):
        SampleBatch(columns)[0:6:2]


def test_slicing_by_sequence_index(same_batch):
    data = {"obs": np.arange(12).reshape(3, 4), "seq_lens": [4, 2, 4], "infos": list(range(10))}
    ours, theirs = pair(data)
    ours.enable_slicing_by_batch_id()
    theirs.enable_slicing_by_batch_id()
    a, b = ours[1:3], theirs[1:3]
    # RLlib takes infos up to step 6, the length of the slice, where its end is meant.
    assert list(a.pop("infos")) == [4, 5, 6, 7, 8, 9]
    assert list(b.pop("infos")) == [4, 5]
    same_batch(a, b)


@pytest.mark.parametrize("kwargs", [{"size": 3}, {"num_slices": 5}, {"k": 4}])
def test_timeslices(columns, kwargs, same_batch):
    ours, theirs = pair(columns)
    for a, b in zip(ours.timeslices(**kwargs), theirs.timeslices(**kwargs), strict=True):
        same_batch(a, b)


def test_timeslices_end_with_a_short_one_where_ray_never_ends(columns):
    # RLlib counts down to exactly 0 and loops for ever if the size does not divide the batch.
    assert [len(part) for part in SampleBatch(columns).timeslices(5)] == [5, 5, 2]


@pytest.mark.parametrize("key", [None, "eps_id", "dones"])
def test_split_by_episode(columns, key, same_batch):
    ours, theirs = pair(columns)
    parts = ours.split_by_episode(key)
    assert len(parts) == 3
    for a, b in zip(parts, theirs.split_by_episode(key), strict=True):
        same_batch(a, b)
    with pytest.raises(KeyError):
        SampleBatch(obs=[1]).split_by_episode("eps_id")


def test_rows_and_columns(columns):
    ours, theirs = sequenced(columns)
    ours.pop("state_in_0")
    theirs.pop("state_in_0")
    for a, b in zip(ours.rows(), theirs.rows(), strict=True):
        np.testing.assert_equal(a, b)
    np.testing.assert_equal(ours.columns(["t", "obs"]), theirs.columns(["t", "obs"]))


def test_shuffle_gives_the_same_order(columns, same_batch):
    ours, theirs = pair(copy.deepcopy(columns))
    np.random.seed(7)
    assert ours.shuffle() is ours
    np.random.seed(7)
    theirs.shuffle()
    same_batch(ours, theirs)
    assert list(ours["t"]) != list(columns["t"])


def test_shuffle_takes_infos_along_and_keeps_padded_sequences_whole(columns):
    batch = SampleBatch(obs=np.arange(6), infos=[{"i": i} for i in range(6)])
    batch.shuffle()
    assert [info["i"] for info in batch["infos"]] == list(batch["obs"])
    padded, _ = sequenced(columns)
    with pytest.raises(ValueError, match="not zero-padded"):
        padded.shuffle()
    padded.right_zero_pad(4)
    before = {tuple(row) for row in padded["t"].reshape(4, 4)}
    padded.shuffle()
    assert padded["t"].shape == (16,)
    assert {tuple(row) for row in padded["t"].reshape(4, 4)} == before


@pytest.mark.parametrize("exclude_states", [True])
def test_right_zero_pad(columns, exclude_states, same_batch):
    ours, theirs = sequenced(columns)
    same_batch(ours.right_zero_pad(5, exclude_states), theirs.right_zero_pad(5, exclude_states))
    with pytest.raises(ValueError, match="seq_lens"):
        SampleBatch(obs=[1]).right_zero_pad(3)


def test_copy_is_deep_or_shallow_and_keeps_is_training(columns, same_batch):
    ours, theirs = pair(columns, _is_training=True, _max_seq_len=7, _num_grad_updates=2.5)
    same_batch(ours.copy(), theirs.copy())
    assert ours.copy().is_training is True
    assert theirs.copy().is_training is False  # RLlib's loses it
    assert not np.shares_memory(ours.copy()["t"], ours["t"])
    assert np.shares_memory(ours.copy(shallow=True)["t"], ours["t"])


def test_keys_are_tracked_through_copies(columns):
    for batch in pair(columns):
        inner = batch.copy(shallow=True)
        inner["obs"]
        inner["new"] = np.zeros(12)
        del inner["t"]
        assert batch.accessed_keys == {"obs"}
        assert batch.added_keys == {"new"}
        assert batch.deleted_keys == {"t"}


def test_the_interceptor_runs_once_per_column(columns):
    for batch in pair(columns):
        seen = []

        def tensor(value, seen=seen):
            seen.append(value)
            return "tensor"

        batch.set_get_interceptor(tensor)
        assert [batch["t"], batch["t"], batch.get("t")] == ["tensor"] * 3
        assert len(seen) == 1
        batch["t"] = "set"
        assert batch["t"] == "set"
        assert batch.is_training == "tensor"
        assert dict.__getitem__(batch, "actions") is columns["actions"]


def test_it_pickles_and_deep_copies(columns, same_batch):
    ours, _ = pair(columns, _is_training=True, _zero_padded=True, _max_seq_len=3)
    for again in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        same_batch(again, ours)
        assert again.is_training is True


def test_concat(columns, same_batch):
    ours, theirs = sequenced(columns, _num_grad_updates=3)
    same_batch(ours.concat(ours), theirs.concat(theirs))
    with_infos = {**columns, "infos": [{}] * 12}
    a, b = pair(with_infos)
    same_batch(concat_samples([a, SampleBatch(), a]), ray_batches.concat_samples([b, b]))
    tensors = {"obs": torch.arange(4).reshape(2, 2), "seq_lens": torch.tensor([1, 1])}
    joined = concat_samples([SampleBatch(tensors), SampleBatch(tensors)])
    assert joined["obs"].shape == (4, 2)
    assert joined["seq_lens"].tolist() == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="zero_padded"):
        concat_samples([a, SampleBatch(columns, _zero_padded=True)])
    with pytest.raises(ValueError, match="max_seq_len"):
        concat_samples([a, SampleBatch(columns, _max_seq_len=4)])


def test_time_major_batches_join_along_axis_1():
    batch = SampleBatch(obs=np.zeros((3, 2)), _time_major=True)
    assert batch.concat(batch)["obs"].shape == (3, 4)


def test_multi_agent_batches(columns, same_batch):
    flat = {k: v for k, v in columns.items() if not isinstance(v, dict)}
    ours = MultiAgentBatch({"p": SampleBatch(flat), "q": SampleBatch(flat)}, 12)
    theirs = ray_batches.MultiAgentBatch(
        {"p": ray_batches.SampleBatch(flat), "q": ray_batches.SampleBatch(flat)}, 12
    )
    assert (ours.agent_steps(), ours.env_steps(), len(ours)) == (24, 12, 12)
    for a, b in zip(ours.timeslices(5), theirs.timeslices(5), strict=True):
        assert a.count == b.count
        for policy_id in "pq":
            a[policy_id].pop("unroll_id", None)
            b[policy_id].pop("unroll_id", None)
            same_batch(a[policy_id], b[policy_id])
    both = concat_samples([ours, SampleBatch(flat)])
    assert set(both.policy_batches) == {"p", "q", "default_policy"}
    assert both.env_steps() == 24
    with pytest.raises(ValueError, match="default_policy"):
        convert_ma_batch_to_sample_batch(ours)
    single = SampleBatch(flat).as_multi_agent()
    same_batch(convert_ma_batch_to_sample_batch(single), SampleBatch(flat))
    assert isinstance(MultiAgentBatch.wrap_as_needed(single.policy_batches, 12), SampleBatch)
    with pytest.raises(TypeError, match="'p'"):
        MultiAgentBatch({"p": flat}, 12)


def test_ends_of_trajectories(columns):
    ours, theirs = pair(columns)
    for rows in (slice(0, 5), slice(0, 7), slice(5, 9)):
        a, b = ours[rows], theirs[rows]
        assert a.is_single_trajectory() == b.is_single_trajectory()
        assert a.is_terminated_or_truncated() == b.is_terminated_or_truncated()
