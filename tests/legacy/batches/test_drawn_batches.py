"""Cutting, padding and slicing of drawn batches against Ray 2.60's: equal to the bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.rllib.policy import rnn_sequencing as ray_sequencing
from ray.rllib.policy.sample_batch import SampleBatch as RaySampleBatch

from rlmigrate.legacy.batches import SampleBatch, pad_batch_to_sequences_of_same_size

EPISODES = st.lists(st.integers(1, 7), min_size=1, max_size=4)
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def columns(lengths, seed, *, with_state):
    rng = np.random.default_rng(seed)
    rows = sum(lengths)
    data = {
        "obs": rng.normal(size=(rows, 2)).astype(np.float32),
        "rewards": rng.normal(size=rows),
        "eps_id": np.repeat(np.arange(len(lengths)) + seed % 5, lengths),
        "unroll_id": np.zeros(rows, int),
        "agent_index": np.zeros(rows, int),
        "t": np.concatenate([np.arange(n) for n in lengths]),
    }
    if with_state:
        data["state_in_0"] = rng.normal(size=(rows, 3)).astype(np.float32)
    return data


def same(ours, rays):
    assert set(ours) == set(rays)
    for key in rays:
        left, right = np.asarray(ours[key]), np.asarray(rays[key])
        assert (left.dtype, left.shape) == (right.dtype, right.shape), key
        np.testing.assert_array_equal(left, right, err_msg=key)


@given(EPISODES, st.integers(0, 99), st.integers(1, 8), st.booleans(), st.integers(1, 3))
@QUICK
def test_padding_to_sequences(lengths, seed, max_seq_len, with_state, divisor):
    data = columns(lengths, seed, with_state=with_state)
    pads = (
        (SampleBatch, pad_batch_to_sequences_of_same_size),
        (RaySampleBatch, ray_sequencing.pad_batch_to_sequences_of_same_size),
    )
    found = []
    for cls, pad in pads:
        batch = cls({key: value.copy() for key, value in data.items()})
        pad(batch, max_seq_len=max_seq_len, shuffle=False, batch_divisibility_req=divisor)
        found.append(batch)
    same(*found)
    assert (found[0].count, found[0].max_seq_len) == (found[1].count, found[1].max_seq_len)


@given(EPISODES, st.integers(0, 99), st.data())
@QUICK
def test_slicing_splitting_and_joining(lengths, seed, data):
    given_columns = columns(lengths, seed, with_state=False)
    rows = sum(lengths)
    start = data.draw(st.integers(0, rows - 1))
    stop = data.draw(st.integers(start + 1, rows))
    ours, rays = (cls(dict(given_columns)) for cls in (SampleBatch, RaySampleBatch))
    same(ours[start:stop], rays[start:stop])
    # Not timeslices(): Ray's never ends for some of these.
    mine, theirs = ours.split_by_episode(), rays.split_by_episode()
    assert len(mine) == len(theirs)
    for left, right in zip(mine, theirs, strict=True):
        same(left, right)
    same(ours.concat(ours[start:stop]), rays.concat(rays[start:stop]))
    assert list(ours.columns(["obs"])[0][0]) == list(rays.columns(["obs"])[0][0])
