"""Sequences as RLlib's old stack laid them out: rows [B * T, ...], a list of states, seq_lens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
import tree


def cut_padding(batch: dict[str, Any]) -> dict[str, Any]:
    """Cut sequences to the longest of them, as the old stack laid a batch out.

    Columns of a stateful module: number[B, T, ...] -> number[B, max(seq_lens), ...], with at least
    one step. The new stack pads to max_seq_len instead, which a model sees that counts steps or
    relates them to each other. "padded_to" keeps T for unfold_outputs().
    """
    lengths = batch.get("seq_lens")
    if lengths is None or not batch.get("state_in") or "padded_to" in batch:
        return batch
    size, steps = tree.flatten(batch["obs"])[0].shape[:2]
    longest = max(int(lengths.max()), 1)

    def cut(column: Any) -> Any:
        timed = isinstance(column, torch.Tensor) and column.shape[:2] == (size, steps)
        return column[:, :longest].contiguous() if timed else column

    return {**_timed(cut, batch), "padded_to": steps}


def fold_time(batch: dict[str, Any]) -> tuple[dict[str, Any], list[Any], Any]:
    """Return a batch with rows instead of sequences, its states as a list, and seq_lens.

    Columns of a stateful module: number[B, T, ...] -> number[B * max(seq_lens), ...]; the states
    stay [B, ...]. seq_lens: int32[B], T where the batch does not say. A batch without states comes
    back as it is, with no state and without seq_lens.
    """
    states = batch.get("state_in")
    if not states:
        return batch, [], None
    batch = cut_padding(batch)
    size, steps = tree.flatten(batch["obs"])[0].shape[:2]
    lengths = batch.get("seq_lens")
    listed = [states[f"state_{i}"] for i in range(len(states))]
    if lengths is None:
        lengths = torch.full((size,), steps, dtype=torch.int32, device=listed[0].device)

    return {"padded_to": steps, **_folded(batch, size, steps)}, listed, lengths


def as_rows(batch: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return sequences as rows, for a module without time or states, and how many they were.

    number[B, T, ...] -> number[B * T, ...]; without the columns that only sequences have.
    """
    size, steps = tree.flatten(batch["obs"])[0].shape[:2]
    rows = _folded(batch, size, steps)
    return {key: rows[key] for key in rows if key not in WHOLE}, size


def _folded(batch: dict[str, Any], size: int, steps: int) -> dict[str, Any]:
    def rows(column: Any) -> Any:
        timed = isinstance(column, torch.Tensor) and column.shape[:2] == (size, steps)
        return column.reshape(size * steps, *column.shape[2:]) if timed else column

    return _timed(rows, batch)


#: Columns of a batch of sequences that have no step in them.
WHOLE: tuple[str, ...] = ("state_in", "state_out", "seq_lens", "padded_to")


def _timed(change: Callable[[Any], Any], batch: dict[str, Any]) -> dict[str, Any]:
    """Change the columns that have a time dimension."""
    return {
        key: value if key in WHOLE else tree.map_structure(change, value)
        for key, value in batch.items()
    }


def _unfold(rows: torch.Tensor, batch: dict[str, Any]) -> torch.Tensor:
    """number[B * max(seq_lens), ...] -> number[B, T, ...], zero where the padding was cut."""
    size = len(tree.flatten(batch["state_in"])[0])
    sequences = rows.reshape(size, -1, *rows.shape[1:])
    steps = batch.get("padded_to") or tree.flatten(batch["obs"])[0].shape[1]
    missing = steps - sequences.shape[1]
    if missing <= 0:
        return sequences
    return torch.cat([sequences, sequences.new_zeros(size, missing, *rows.shape[1:])], dim=1)


def unfold_outputs(rows: torch.Tensor, batch: dict[str, Any]) -> torch.Tensor:
    """Give outputs the time dimension of the batch: float[B * T, N] -> float[B, T, N]."""
    if not batch.get("state_in"):
        return rows
    return _unfold(rows.reshape(-1, rows.shape[-1]), batch)


def unfold_values(values: torch.Tensor, batch: dict[str, Any]) -> torch.Tensor:
    """Give values the time dimension of the batch: float[B * T] -> float[B, T]."""
    return _unfold(values.reshape(-1), batch) if batch.get("state_in") else values.reshape(-1)


def name_states(states: Iterable[Any]) -> dict[str, torch.Tensor]:
    """Name a list of states "state_0", "state_1" and so on, as the new stack wants them."""
    return {
        f"state_{i}": torch.from_numpy(state) if isinstance(state, np.ndarray) else state
        for i, state in enumerate(states)
    }


def state_out(states: Iterable[Any]) -> dict[str, Any]:
    """Return the column of new states, and no column where there are none."""
    named = name_states(states)
    return {"state_out": named} if named else {}


def add_time_dimension(
    rows: torch.Tensor,
    *,
    seq_lens: Any = None,
    max_seq_len: int | None = None,
    framework: str = "torch",
    time_major: bool = False,
) -> torch.Tensor:
    """Split rows into sequences, as RLlib's function of this name did in all its forms.

    rows: number[B * T, ...] -> number[B, T, ...], or [T, B, ...] if time_major.
    """
    count = rows.shape[0]
    steps = count // len(seq_lens) if max_seq_len is None else int(max_seq_len)
    sequences = rows.reshape(count // steps, steps, *rows.shape[1:])
    return sequences.transpose(0, 1) if time_major else sequences
