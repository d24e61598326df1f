"""What a loss of one's own needs of a train batch."""

from __future__ import annotations

from typing import Any

import torch


def unmasked(values: Any, batch: dict[str, Any]) -> Any:
    """Return the rows that count for the loss, of a batch or of anything that goes with it.

    PPO's connectors add a row to each episode, for the value after its end, and leave it out of
    the loss by `loss_mask`; the old stack had no such rows.

    values: a tensor [B, ...], or [B, T, ...] of a module with a state, or a dict of them -> the
    same structure as flat rows [N, ...]; what has no such rows (states, say) stays.
    """
    mask = batch.get("loss_mask")
    if mask is None:
        return values
    if isinstance(values, dict):
        return {key: unmasked(value, batch) for key, value in values.items()}
    rows = isinstance(values, torch.Tensor) and values.shape[: mask.ndim] == mask.shape
    return values[mask.bool()] if rows else values
