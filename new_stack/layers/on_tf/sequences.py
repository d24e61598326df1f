"""Sequences as RLlib's old stack laid them out: rows [B * T, ...], a list of states, seq_lens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf
import tree

from rlmigrate.new_stack.layers.on_tf.observations import tf_flatten


def tf_cut_padding(batch: dict[str, Any]) -> dict[str, Any]:
    """Cut sequences to the longest of them, as the old stack laid a batch out.

    Columns of a stateful module: number[B, T, ...] -> number[B, max(seq_lens), ...], with at least
    one step. The new stack pads to max_seq_len instead, which a model sees that counts steps or
    relates them to each other. "padded_to" keeps T for tf_unfold_outputs().
    """
    lengths = batch.get("seq_lens")
    if lengths is None or not batch.get("state_in") or "padded_to" in batch:
        return batch
    longest = tf.maximum(tf.cast(tf.reduce_max(lengths), tf.int32), 1)
    steps = tf.shape(tree.flatten(batch["obs"])[0])[1]
    return {**_tf_timed(lambda column: column[:, :longest], batch), "padded_to": steps}


def tf_fold_time(batch: dict[str, Any]) -> tuple[dict[str, Any], list[Any], Any]:
    """Return a batch with rows instead of sequences, its states as a list, and seq_lens.

    Columns of a stateful module: number[B, T, ...] -> number[B * max(seq_lens), ...]; the states
    stay [B, ...]. seq_lens: int32[B], T where the batch does not say. A batch without states comes
    back as it is, with no state and without seq_lens.
    """
    states = batch.get("state_in")
    if not states:
        return batch, [], None
    batch = tf_cut_padding(batch)
    size, steps = tf.unstack(tf.shape(tree.flatten(batch["obs"])[0])[:2])
    listed = [tf.convert_to_tensor(states[f"state_{i}"]) for i in range(len(states))]
    lengths = batch.get("seq_lens")
    lengths = tf.fill([size], steps) if lengths is None else tf.cast(lengths, tf.int32)

    def rows(column: Any) -> Any:
        return tf.reshape(column, [size * steps, *column.shape[2:]])

    return {"padded_to": steps, **_tf_timed(rows, batch)}, listed, lengths


def _tf_timed(change: Callable[[Any], Any], batch: dict[str, Any]) -> dict[str, Any]:
    """Change the columns that have a time dimension."""
    lead = tf.shape(tree.flatten(batch["obs"])[0])[:2]

    def timed(column: Any) -> Any:
        column = tf.convert_to_tensor(column)
        of_steps = len(column.shape) > 1 and bool(tf.reduce_all(tf.shape(column)[:2] == lead))
        return change(column) if of_steps else column

    whole = ("state_in", "state_out", "seq_lens", "padded_to")
    return {
        key: value if key in whole else tree.map_structure(timed, value)
        for key, value in batch.items()
    }


def tf_flat_sequences(obs: Any, space: Any) -> tf.Tensor:
    """Return sequences of observations as `forward_rnn` saw them: float32[B, T, n].

    obs: number[B, T, ...] or a dict or tuple of them.
    """
    size, steps = tf.unstack(tf.shape(tree.flatten(obs)[0])[:2])

    def rows(part: Any) -> Any:
        part = tf.convert_to_tensor(part)
        return tf.reshape(part, [size * steps, *part.shape[2:]])

    flat = tf_flatten(tree.map_structure(rows, obs), space)
    return tf.reshape(flat, [size, steps, flat.shape[-1]])


def _tf_unfold(rows: tf.Tensor, batch: dict[str, Any]) -> tf.Tensor:
    """number[B * max(seq_lens), ...] -> number[B, T, ...], zero where the padding was cut."""
    size = tf.shape(batch["state_in"]["state_0"])[0]
    sequences = tf.reshape(rows, [size, -1, *rows.shape[1:]])
    steps = batch.get("padded_to")
    if steps is None:
        steps = tf.shape(tree.flatten(batch["obs"])[0])[1]
    missing = tf.maximum(steps - tf.shape(sequences)[1], 0)
    zeros = tf.zeros([size, missing, *rows.shape[1:]], rows.dtype)
    return tf.concat([sequences, zeros], axis=1)


def tf_unfold_outputs(rows: tf.Tensor, batch: dict[str, Any]) -> tf.Tensor:
    """Give outputs the time dimension of the batch: float[B * T, N] -> float[B, T, N]."""
    if not batch.get("state_in"):
        return rows
    return _tf_unfold(tf.reshape(rows, [-1, rows.shape[-1]]), batch)


def tf_unfold_values(values: tf.Tensor, batch: dict[str, Any]) -> tf.Tensor:
    """Give values the time dimension of the batch: float[B * T] -> float[B, T]."""
    values = tf.reshape(values, [-1])
    return _tf_unfold(values, batch) if batch.get("state_in") else values


def tf_name_states(states: Iterable[Any]) -> dict[str, tf.Tensor]:
    """Name a list of states "state_0", "state_1" and so on, as the new stack wants them."""
    return {f"state_{i}": tf.convert_to_tensor(state) for i, state in enumerate(states)}


def tf_state_out(states: Iterable[Any]) -> dict[str, Any]:
    """Return the column of new states, and no column where there are none."""
    named = tf_name_states(states)
    return {"state_out": named} if named else {}


def tf_add_time_dimension(
    rows: tf.Tensor,
    seq_lens: Any = None,
    framework: str = "tf",
    max_seq_len: int | None = None,
    time_major: bool = False,
) -> tf.Tensor:
    """Split rows into sequences, as RLlib's function of this name did in all its forms.

    rows: number[B * T, ...] -> number[B, T, ...], or [T, B, ...] if time_major.
    """
    count = tf.shape(rows)[0]
    steps = count // tf.shape(seq_lens)[0] if max_seq_len is None else int(max_seq_len)
    sequences = tf.reshape(rows, [count // steps, steps, *rows.shape[1:]])
    if not time_major:
        return sequences
    return tf.transpose(sequences, [1, 0, *range(2, len(sequences.shape))])
