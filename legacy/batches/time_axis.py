"""Give flat batches a time axis, and mask their padding.

- `add_time_dimension`: [B * T, ...] to [B, T, ...] or [T, B, ...].
- `get_fold_unfold_fns`: functions that merge and split the two axes of whole structures.
- `attention_mask`: which steps of left- or right-padded sequences are real.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tree

from rlmigrate.legacy.types import Tensor, TensorStruct


def add_time_dimension(
    padded_inputs: Tensor,
    *,
    seq_lens: Tensor = None,
    max_seq_len: int | None = None,
    framework: str = "tf",
    time_major: bool = False,
) -> Tensor:
    """View [B * T, ...] as [B, T, ...], or as [T, B, ...] if time-major; B is len(seq_lens).

    max_seq_len: T, which Ray 1.x took instead of seq_lens.
    """
    if seq_lens is None:
        if max_seq_len is None:
            raise ValueError("add_time_dimension: give seq_lens, one length a sequence")
        seq_lens = np.zeros(int(padded_inputs.shape[0]) // max_seq_len)
    if framework in ("tf", "tf2"):
        import tensorflow as tf

        if time_major:
            raise NotImplementedError("add_time_dimension: time_major is not there for TF")
        inputs = tf.convert_to_tensor(padded_inputs)
        shape = tf.shape(inputs)
        batch = tf.shape(seq_lens)[0]
        return tf.reshape(inputs, tf.concat([[batch, shape[0] // batch], shape[1:]], axis=0))
    if framework not in ("torch", "np"):
        raise ValueError(f"framework is {framework!r}, expected 'torch', 'tf2', 'tf' or 'np'")
    out: Any = np.asarray(padded_inputs) if framework == "np" else padded_inputs
    if framework == "torch":
        import torch

        out = torch.as_tensor(padded_inputs)
    batch = seq_lens.shape[0]
    if batch == 0:
        raise ValueError("add_time_dimension: seq_lens is empty, there are no sequences")
    out = out.reshape(batch, out.shape[0] // batch, *out.shape[1:])
    return out.swapaxes(0, 1) if time_major else out


def get_fold_unfold_fns(
    b_dim: int, t_dim: int, framework: str
) -> tuple[Callable[[TensorStruct], TensorStruct], Callable[[TensorStruct], TensorStruct]]:
    """Make the function that merges [B, T, ...] into [B * T, ...], and the one that splits it.

    Both leave None as it is.
    """
    if framework in ("tf", "tf2"):
        import tensorflow as tf

        convert: Callable[[Any], Any] = tf.convert_to_tensor
        reshape: Callable[[Any, Any], Any] = tf.reshape
    elif framework == "torch":
        import torch

        convert = torch.as_tensor
        reshape = torch.reshape
    else:
        raise ValueError(f"framework is {framework!r}, expected 'torch' or 'tf2'")

    def folded(item: Any) -> Any:
        if item is None:
            return None
        tensor: Any = convert(item)
        if tuple(tensor.shape[:2]) != (b_dim, t_dim):
            raise ValueError(f"cannot fold {tuple(tensor.shape)}: expected ({b_dim}, {t_dim}, ...)")
        return reshape(tensor, [b_dim * t_dim, *tensor.shape[2:]])

    def unfolded(item: Any) -> Any:
        if item is None:
            return None
        tensor: Any = convert(item)
        if tensor.shape[0] != b_dim * t_dim:
            raise ValueError(
                f"cannot unfold {tuple(tensor.shape)}: expected ({b_dim * t_dim}, ...)"
            )
        return reshape(tensor, [b_dim, t_dim, *tensor.shape[1:]])

    return (
        lambda struct: tree.map_structure(folded, struct),
        lambda struct: tree.map_structure(unfolded, struct),
    )


def attention_mask(
    seq_lens: Any, max_seq_len: int, *, padding: str = "right"
) -> npt.NDArray[np.float32]:
    """Give 1.0 for real steps and 0.0 for padded ones, as float32[B, max_seq_len].

    >>> attention_mask([1, 2], 3, padding="left")
    array([[0., 0., 1.],
           [0., 1., 1.]], dtype=float32)
    """
    steps = np.arange(max_seq_len)
    if padding == "left":
        steps = steps[::-1]
    elif padding != "right":
        raise ValueError(f"padding is {padding!r}, expected 'left' or 'right'")
    return (steps[None, :] < np.asarray(seq_lens)[:, None]).astype(np.float32)
