"""Join batches into one."""

from __future__ import annotations

import sys
from typing import Any

import tree

from rlmigrate.legacy.batches.arrays import is_tf, is_torch, join
from rlmigrate.legacy.batches.columns import DEFAULT_POLICY_ID
from rlmigrate.legacy.batches.multi_agent import MultiAgentBatch
from rlmigrate.legacy.batches.sample_batch import SampleBatch


def concat_samples(samples: list[SampleBatch | MultiAgentBatch]) -> SampleBatch | MultiAgentBatch:
    """Join batches, ignoring empty ones; the result is a MultiAgentBatch if any of them is.

    Raises ValueError if they differ in padding, time axis or `max_seq_len` being set.
    """
    if any(isinstance(sample, MultiAgentBatch) for sample in samples):
        return concat_samples_into_ma_batch(samples)
    batches = [s for s in samples if isinstance(s, SampleBatch) and s.count > 0]
    if not batches:
        return SampleBatch()
    first = batches[0]
    _check_alike(batches)

    data: dict[str, Any] = {}
    time_major = bool(first.time_major)
    for key in first:
        if key == SampleBatch.SEQ_LENS:
            continue
        columns = [batch[key] for batch in batches]
        if key == SampleBatch.INFOS:
            data[key] = join(columns, time_major=time_major)
        else:
            data[key] = tree.map_structure(
                lambda *values: join(list(values), time_major=time_major), *columns
            )
    seq_lens = [n for b in batches if b.get("seq_lens") is not None for n in b["seq_lens"]]
    weights = [(b.num_grad_updates, b.count) for b in batches if b.num_grad_updates is not None]
    steps = sum(count for _, count in weights)
    return SampleBatch(
        data,
        seq_lens=_as_tensor(seq_lens),
        _time_major=first.time_major,
        _zero_padded=first.zero_padded,
        _max_seq_len=max((b.max_seq_len for b in batches if b.max_seq_len), default=None),
        _num_grad_updates=sum(n * count for n, count in weights) / (steps or 1.0),
    )


def _check_alike(batches: list[SampleBatch]) -> None:
    first = batches[0]
    for batch in batches:
        if (batch.zero_padded, batch.time_major) != (first.zero_padded, first.time_major):
            raise ValueError(
                "cannot concatenate: zero_padded and time_major are "
                f"{(batch.zero_padded, batch.time_major)} in {batch}, "
                f"but {(first.zero_padded, first.time_major)} in {first}"
            )
        if (batch.max_seq_len is None) != (first.max_seq_len is None) or (
            first.zero_padded and batch.max_seq_len != first.max_seq_len
        ):
            raise ValueError(
                f"cannot concatenate: max_seq_len is {batch.max_seq_len} in {batch}, "
                f"but {first.max_seq_len} in {first}"
            )


def _as_tensor(seq_lens: list[Any]) -> Any:
    if seq_lens and is_torch(seq_lens[0]):
        return sys.modules["torch"].stack(seq_lens)
    if seq_lens and is_tf(seq_lens[0]):
        return sys.modules["tensorflow"].convert_to_tensor(seq_lens)
    return seq_lens


def concat_samples_into_ma_batch(samples: list[SampleBatch | MultiAgentBatch]) -> MultiAgentBatch:
    """Join batches into a MultiAgentBatch; a SampleBatch counts as the default policy's."""
    parts: dict[str, list[SampleBatch | MultiAgentBatch]] = {}
    env_steps = 0
    for sample in samples:
        if not isinstance(sample, SampleBatch | MultiAgentBatch):
            raise ValueError(
                f"cannot concatenate {type(sample).__name__}; "
                "expected SampleBatch or MultiAgentBatch"
            )
        if isinstance(sample, SampleBatch) and not len(sample):
            continue
        for policy_id, batch in sample.as_multi_agent().policy_batches.items():
            parts.setdefault(policy_id, []).append(batch)
        env_steps += sample.env_steps()
    joined: Any = {policy_id: concat_samples(batches) for policy_id, batches in parts.items()}
    return MultiAgentBatch(joined, env_steps)


def convert_ma_batch_to_sample_batch(batch: SampleBatch | MultiAgentBatch) -> SampleBatch:
    """Take the default policy's batch out of a MultiAgentBatch that has no other."""
    if isinstance(batch, SampleBatch):
        return batch
    if list(batch.policy_batches) != [DEFAULT_POLICY_ID]:
        raise ValueError(
            f"cannot make one SampleBatch of the batches of {sorted(batch.policy_batches)}; "
            f"expected {DEFAULT_POLICY_ID!r} alone"
        )
    return batch.policy_batches[DEFAULT_POLICY_ID]
