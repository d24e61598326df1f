"""Cut trajectories into padded sequences for recurrent and attention models.

- `chop_into_sequences`: columns to padded columns, first states and lengths.
- `pad_batch_to_sequences_of_same_size`: the same for a batch, in place.
- `timeslice_along_seq_lens_with_overlap`: one batch per sequence, with burn-in steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tree

from rlmigrate.legacy.batches.arrays import padded
from rlmigrate.legacy.batches.sample_batch import SampleBatch
from rlmigrate.legacy.batches.view_requirement import ViewRequirement
from rlmigrate.legacy.types import TensorStruct


def sequence_lengths(
    episode_ids: Any, unroll_ids: Any, agent_indices: Any, max_seq_len: int
) -> npt.NDArray[np.int32]:
    """Measure the runs of equal ids, cut at `max_seq_len`.

    >>> sequence_lengths([1, 1, 5, 5, 5, 5], [4] * 6, [0] * 6, 3)
    array([2, 3, 1], dtype=int32)
    """
    ids = np.add(np.add(episode_ids, agent_indices), np.array(unroll_ids, dtype=np.int64) << 32)
    if not len(ids):
        return np.zeros(0, dtype=np.int32)
    begins = [int(i) + 1 for i in np.nonzero(np.diff(ids))[0]]
    lens: list[int] = []
    for run in np.diff([0, *begins, len(ids)]):
        full, rest = divmod(int(run), max_seq_len)
        lens += [max_seq_len] * full + [rest] * (rest > 0)
    return np.array(lens, dtype=np.int32)


def chop_into_sequences(
    *,
    feature_columns: Sequence[TensorStruct],
    state_columns: Sequence[TensorStruct],
    max_seq_len: int,
    episode_ids: Any = None,
    unroll_ids: Any = None,
    agent_indices: Any = None,
    dynamic_max: bool = True,
    shuffle: bool = False,
    seq_lens: Any = None,
    states_already_reduced_to_init: bool = False,
    handle_nested_data: bool = False,
    _extra_padding: int = 0,
    padding: str = "zero",
) -> tuple[list[Any], list[TensorStruct], npt.NDArray[np.int32]]:
    """Cut columns at episode ends and every `max_seq_len` steps, and pad the pieces.

    Gives the padded columns [sequences * T, ...], the states at the first step of each
    sequence and the sequences' lengths. T is `max_seq_len`, or the longest length if
    `dynamic_max`. With `handle_nested_data` each column is a list of its flattened leaves.
    """
    if seq_lens is None or len(seq_lens) == 0:
        seq_lens = sequence_lengths(episode_ids, unroll_ids, agent_indices, max_seq_len)
    seq_lens = np.asarray(seq_lens)
    if dynamic_max:
        max_seq_len = int(max(seq_lens)) + _extra_padding

    features: list[Any] = []
    for column in feature_columns:
        leaves = [np.asarray(leaf) for leaf in _leaves(column)]
        features.append(
            [padded(leaf, seq_lens, max_seq_len, repeat_last=padding == "last") for leaf in leaves]
        )
    if states_already_reduced_to_init:
        states = list(state_columns)
    else:
        first = np.cumsum(seq_lens) - seq_lens
        states = [
            tree.unflatten_as(
                np.asarray(column) if isinstance(column, list) else column,
                [np.asarray(leaf)[first] for leaf in _leaves(column)],
            )
            for column in state_columns
        ]
    if shuffle:
        order = np.random.permutation(len(seq_lens))
        features = [[_permuted(leaf, order) for leaf in leaves] for leaves in features]
        states = [tree.map_structure(lambda s: np.asarray(s)[order], state) for state in states]
        seq_lens = seq_lens[order]
    if not handle_nested_data:
        features = [leaves[0] for leaves in features]
    return features, states, seq_lens


def _leaves(column: TensorStruct) -> list[Any]:
    # A list is a column of numbers, not a structure.
    leaves: list[Any] = [column] if isinstance(column, list) else tree.flatten(column)
    return leaves


def _permuted(value: Any, order: npt.NDArray[np.int64]) -> Any:
    if isinstance(value, list):
        width = len(value) // len(order)
        return [value[i * width + t] for i in order for t in range(width)]
    return value.reshape(len(order), -1, *value.shape[1:])[order].reshape(value.shape)


def pad_batch_to_sequences_of_same_size(
    batch: SampleBatch,
    max_seq_len: int,
    shuffle: bool = False,
    batch_divisibility_req: int = 1,
    feature_keys: list[str] | None = None,
    view_requirements: Mapping[str, ViewRequirement] | None = None,
    padding: str = "zero",
) -> None:
    """Pad a batch in place so that a model can view its columns as [B, T, ...].

    T is the longest sequence for recurrent models, `max_seq_len` for models whose state is a
    range of steps. Without states the batch stays as it is, unless several agents must be
    padded to `batch_divisibility_req`. Shuffles sequences, or rows if there are none.
    """
    if batch.zero_padded:
        return
    batch.zero_padded = True
    if "state_in_0" in batch or "state_out_0" in batch:
        view = view_requirements["state_in_0"] if view_requirements else None
        dynamic_max = view is not None and view.shift_from is None
    elif batch_divisibility_req > 1 and (
        len(batch[SampleBatch.OBS]) % batch_divisibility_req != 0
        or max(batch[SampleBatch.AGENT_INDEX]) != 0
    ):
        max_seq_len = batch.max_seq_len = batch_divisibility_req
        dynamic_max = False
    else:
        if shuffle:
            batch.shuffle()
        return

    state_keys = [key for key in batch if key.startswith("state_in")]
    keys = feature_keys or [
        key for key in batch if not key.startswith("state_") and key != SampleBatch.SEQ_LENS
    ]
    given = batch.get(SampleBatch.SEQ_LENS)
    reduced = bool(state_keys) and given is not None and len(batch[state_keys[0]]) == len(given)
    features, states, seq_lens = chop_into_sequences(
        feature_columns=[batch[key] for key in keys],
        state_columns=[batch[key] for key in state_keys],
        episode_ids=batch.get(SampleBatch.EPS_ID),
        unroll_ids=batch.get(SampleBatch.UNROLL_ID),
        agent_indices=batch.get(SampleBatch.AGENT_INDEX),
        seq_lens=given,
        max_seq_len=max_seq_len,
        dynamic_max=dynamic_max,
        states_already_reduced_to_init=reduced,
        shuffle=shuffle,
        handle_nested_data=True,
        padding=padding,
    )
    for key, leaves in zip(keys, features, strict=True):
        column = batch[key]
        batch[key] = leaves[0] if isinstance(column, list) else tree.unflatten_as(column, leaves)
    for key, state in zip(state_keys, states, strict=True):
        batch[key] = state
    batch[SampleBatch.SEQ_LENS] = np.array(seq_lens)
    if dynamic_max:
        batch.max_seq_len = int(max(seq_lens))


def timeslice_along_seq_lens_with_overlap(
    sample_batch: SampleBatch,
    seq_lens: list[int] | None = None,
    zero_pad_max_seq_len: int = 0,
    pre_overlap: int = 0,
    zero_init_states: bool = True,
) -> list[SampleBatch]:
    """Give one batch per sequence, each beginning `pre_overlap` steps early (burn-in).

    Steps that lie before the batch or in another episode are zeros, and the state is then
    zero, too. Pads each batch to `zero_pad_max_seq_len` steps, overlap included, if > 0.
    """
    if seq_lens is None:
        seq_lens = sample_batch.get(SampleBatch.SEQ_LENS)
    if seq_lens is None:
        width = zero_pad_max_seq_len - pre_overlap
        full, rest = divmod(len(sample_batch), width)
        # RLlib cuts at zero_pad_max_seq_len here, and so runs over the end of the batch.
        seq_lens = [width] * full + [rest] * (rest > 0)
    if not len(seq_lens):
        raise ValueError(f"{sample_batch} has no sequences to slice along")
    out: list[SampleBatch] = []
    start = 0
    for steps in map(int, seq_lens):
        batch = _with_overlap(sample_batch, start, start + steps, pre_overlap, zero_init_states)
        if zero_pad_max_seq_len > 0:
            batch.right_zero_pad(zero_pad_max_seq_len)
        out.append(batch)
        start += steps
    return out


def _with_overlap(
    batch: SampleBatch, start: int, end: int, overlap: int, zero_state: bool
) -> SampleBatch:
    begin = start - overlap
    zeros = 0
    if begin < 0:
        zeros, first = overlap, start
    else:
        first = begin
        foreign = batch[SampleBatch.EPS_ID][begin:end] != batch[SampleBatch.EPS_ID][end - 1]
        if foreign[0]:
            zeros = int(foreign.sum())
            first += zeros
    data: dict[str, Any] = {}
    for key, value in dict.items(batch):
        if key == SampleBatch.SEQ_LENS:
            continue
        filler = np.zeros((zeros, *value.shape[1:]), dtype=value.dtype)
        data[key] = np.concatenate([filler, value[first:end]]) if zeros else value[first:end]
    i = 0
    while (key := f"state_in_{i}") in data:
        out = f"state_out_{i}"
        if zero_state or zeros:
            data[key] = np.zeros_like(batch[key][0:1])
        else:
            data[key] = batch[out][begin - 1 : begin]
        data.pop(out, None)
        i += 1
    return SampleBatch(data, seq_lens=[end - begin])
