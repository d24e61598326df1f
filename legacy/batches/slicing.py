"""Cut a SampleBatch into parts; the parts share the arrays of the whole."""

from __future__ import annotations

import itertools
from typing import Any, Self

import numpy as np

from rlmigrate.legacy.batches.arrays import map_leaves
from rlmigrate.legacy.batches.columns import ColumnNames


class Sliceable(ColumnNames, dict[str, Any]):
    """The part of `SampleBatch` that cuts, splits and shuffles rows and sequences."""

    count: int
    time_major: bool | None
    max_seq_len: int | None
    zero_padded: bool
    num_grad_updates: float | None
    intercepted_values: dict[str, Any]
    _is_training: Any
    _slice_seq_lens_in_B: bool
    _slice_map: list[tuple[int, int]]

    def _has_sequences(self) -> bool:
        seq_lens = dict.get(self, self.SEQ_LENS)
        return seq_lens is not None and len(seq_lens) > 0

    def _like(self, data: dict[str, Any], **kwargs: Any) -> Self:
        kwargs["_time_major"] = self.time_major
        kwargs["_num_grad_updates"] = self.num_grad_updates
        return type(self)(data, _is_training=self._is_training, **kwargs)

    def _slice_rows(self, rows: slice) -> Self:
        """Serve `batch[start:stop]`.

        Where there are sequences, whole sequences are given: those from the one that holds
        `start` up to the one that holds `stop`, exclusive.
        """
        if rows.step not in (1, None):
            raise ValueError(f"{self}[{rows.start}:{rows.stop}:{rows.step}]: the step must be 1")
        if self._slice_seq_lens_in_B:
            return self._slice_sequences(rows)
        start, stop, _ = rows.indices(self.count)
        if not self._has_sequences():
            return self._like({k: _cut(v, start, stop) for k, v in dict.items(self)})

        first_seq, first = self._sequence_at(start)
        last_seq, last = self._sequence_at(stop)
        width = self.max_seq_len or 0
        data: dict[str, Any] = {}
        for key, value in dict.items(self):
            if _per_sequence(key):
                data[key] = _cut(value, first_seq, last_seq)
            elif self.zero_padded and key != self.INFOS:
                data[key] = _cut(value, first_seq * width, last_seq * width)
            else:
                data[key] = _cut(value, first, last)
        kept = self.max_seq_len if self.zero_padded else None
        return self._like(data, _zero_padded=self.zero_padded, _max_seq_len=kept)

    def _sequence_at(self, step: int) -> tuple[int, int]:
        """Give the sequence that holds the step, and the step with which it begins."""
        if not self._slice_map:
            seq_lens = dict.__getitem__(self, self.SEQ_LENS)
            begin = 0
            for i, steps in enumerate(map(int, seq_lens)):
                self._slice_map.extend([(i, begin)] * steps)
                begin += steps
            self._slice_map.append((len(seq_lens), begin))
        return self._slice_map[step]

    def _slice_sequences(self, rows: slice) -> Self:
        seq_lens = dict.__getitem__(self, self.SEQ_LENS)
        start, stop, _ = rows.indices(len(seq_lens))
        data = {k: _cut(v, start, stop) for k, v in dict.items(self) if k != self.INFOS}
        if self.INFOS in self:
            # Infos are never padded: one per step.
            first = int(sum(seq_lens[:start]))
            last = first + int(sum(seq_lens[start:stop]))
            data[self.INFOS] = _cut(dict.__getitem__(self, self.INFOS), first, last)
        return self._like(data)

    def slice(
        self, start: int, end: int, state_start: int | None = None, state_end: int | None = None
    ) -> Self:
        """Give exactly the rows `start` to `end`, with the states of their sequences.

        A negative start fills up with zeros on the left.
        """
        if not self._has_sequences():
            return self._like({k: _cut(v, start, end) for k, v in dict.items(self)})
        data = {
            key: map_leaves(lambda v: _left_filled(v, start, end), value)
            for key, value in dict.items(self)
            if not _per_sequence(key)
        }
        all_lens = [int(steps) for steps in dict.__getitem__(self, self.SEQ_LENS)]
        if state_start is not None:
            if state_end is None:
                raise ValueError("slice: state_start is given, but state_end is not")
            first, last = state_start, state_end
            seq_lens = all_lens[first:last]
            rows = len(next(iter(data.values())))
            # The last sequence may end beyond the slice.
            seq_lens[-1] += min(0, rows - sum(seq_lens))
        else:
            ends = np.cumsum(all_lens)
            last = int(np.searchsorted(ends, end)) + 1
            first = min(int(np.searchsorted(ends, start, side="right")), last - 1)
            seq_lens = all_lens[first:last]
            seq_lens[-1] -= int(ends[last - 1]) - end
            if start < 0:
                seq_lens[0] -= start
            seq_lens[0] -= max(0, sum(seq_lens) - (end - start))
        for key in self:
            if key.startswith("state_in_"):
                data[key] = _cut(dict.__getitem__(self, key), first, last)
        return self._like(data, seq_lens=seq_lens)

    def timeslices(
        self, size: int | None = None, num_slices: int | None = None, k: int | None = None
    ) -> list[Self]:
        """Cut into slices of `size` rows, or into `num_slices` slices of about equal size."""
        if num_slices is None:
            size = size if size is not None else k
            if size is None:
                raise ValueError("timeslices: give `size` or `num_slices`")
            starts = range(0, self.count, size)
            return [self._slice_rows(slice(start, start + size)) for start in starts]
        out: list[Self] = []
        start = 0
        while start < self.count:
            stop = start + (self.count - start) // (num_slices - len(out))
            out.append(self._slice_rows(slice(start, stop)))
            start = stop
        return out

    def split_by_episode(self, key: str | None = None) -> list[Self]:
        """Split where `eps_id` changes or, without that column, after each ended row.

        key: "eps_id" or "dones" to force one of the two.
        """
        if key not in (None, self.EPS_ID, self.DONES):
            raise ValueError(
                f"split_by_episode: key is {key!r}, expected None, 'eps_id' or 'dones'"
            )
        if key == self.EPS_ID and key not in self:
            raise KeyError(f"{self} has no column {key!r} to split by")
        if self.count == 0:
            return []
        if key == self.EPS_ID or (key is None and self.EPS_ID in self):
            ids = self[self.EPS_ID]
            cuts = [i for i in range(1, self.count) if ids[i] != ids[i - 1]]
        else:
            ended = np.asarray(self[self.TERMINATEDS]).astype(bool)
            if self.TRUNCATEDS in self:
                ended = ended | np.asarray(self[self.TRUNCATEDS]).astype(bool)
            cuts = [int(i) + 1 for i in np.nonzero(ended)[0] if i + 1 < self.count]
        edges = [0, *cuts, self.count]
        return [self._slice_rows(slice(a, b)) for a, b in itertools.pairwise(edges)]

    def shuffle(self) -> Self:
        """Shuffle the rows in place, or the sequences if the batch is zero-padded."""
        sequences = dict.get(self, self.SEQ_LENS)
        if sequences is not None and not self.zero_padded:
            raise ValueError(f"{self} has `seq_lens` and is not zero-padded: it cannot be shuffled")
        units = self.count if sequences is None else len(sequences)
        order = np.random.permutation(units)

        def permuted(value: Any) -> Any:
            # RLlib takes the first `units` rows only of a padded column [B * T, ...].
            if len(value) == units or not self.max_seq_len:
                return value[order]
            return value.reshape(units, -1, *value.shape[1:])[order].reshape(value.shape)

        for key, value in list(dict.items(self)):
            if isinstance(value, list):
                # RLlib forgets to shuffle infos.
                dict.__setitem__(self, key, [value[i] for i in order])
            else:
                dict.__setitem__(self, key, map_leaves(permuted, value))
        self.intercepted_values = {}
        return self

    def enable_slicing_by_batch_id(self) -> None:
        """Let `batch[a:b]` count sequences of [B, T, ...] columns instead of rows."""
        self._slice_seq_lens_in_B = True

    def disable_slicing_by_batch_id(self) -> None:
        """Let `batch[a:b]` count rows again."""
        self._slice_seq_lens_in_B = False


def _per_sequence(key: str) -> bool:
    return key == "seq_lens" or key.startswith("state_in_")


def _cut(value: Any, start: int, stop: int) -> Any:
    if isinstance(value, list):
        return value[start:stop]
    return map_leaves(lambda v: v[start:stop], value)


def _left_filled(value: Any, start: int, end: int) -> Any:
    if start >= 0:
        return value[start:end]
    zeros = np.zeros((-start, *value.shape[1:]), dtype=value.dtype)
    return np.concatenate([zeros, value[0:end]])
