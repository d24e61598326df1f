"""Sequences for an old model, padded as the old stack padded them: to the longest of a batch.

cut_for       the batch without further padding, and the steps that it had
pad_again     outputs and values with as many steps as the batch came with
"""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.compat.wrap.states import StateLayout
from rlmigrate.new_stack.layers.sequences import cut_padding

Batch = dict[str, Any]


def cut_for(states: StateLayout, batch: Batch) -> tuple[Batch, int | None]:
    """Cut what goes on after the longest sequence; None where nothing had to be cut.

    Models with a memory window keep the padding: the old stack gave it to them too.
    """
    if not states or states.windows:
        return batch, None
    batch = dict(cut_padding(batch))
    return batch, batch.pop("padded_to", None)


def pad_again(outputs: Batch, steps: int | None) -> Batch:
    """Put zeros after each output: float[B, max(seq_lens), ...] -> float[B, steps, ...]."""
    return {
        key: value if steps is None or key == "state_out" else pad_steps(value, steps)
        for key, value in outputs.items()
    }


def pad_steps(value: torch.Tensor, steps: int | None) -> torch.Tensor:
    """Put zeros after the last step of one tensor."""
    missing = 0 if steps is None else steps - value.shape[1]
    if missing <= 0:
        return value
    zeros = value.new_zeros(value.shape[0], missing, *value.shape[2:])
    return torch.cat([value, zeros], dim=1)
