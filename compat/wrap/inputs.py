"""The batch as an old model's forward expects it."""

from __future__ import annotations

from typing import Any

import torch

# Not columns of steps: these are handed over apart, or not known to old models.
_APART = frozenset({"state_in", "seq_lens", "obs"})


class LegacyInput(dict[str, Any]):
    """A dict of columns that answers `.is_training` and `.seq_lens`, as a SampleBatch does."""

    def copy(self) -> LegacyInput:
        """Copy without changing the type, which `ModelV2.__call__` relies on."""
        return LegacyInput(self)

    @property
    def is_training(self) -> bool:
        """Whether the batch is for training."""
        return bool(self["is_training"])

    @property
    def seq_lens(self) -> torch.Tensor | None:
        """The lengths of the sequences, where the model is recurrent."""
        return self.get("seq_lens")


def legacy_input(
    batch: dict[str, Any], obs: Any, *, lead: tuple[int, ...], training: bool
) -> LegacyInput:
    """Copy the columns of a batch for a legacy model, folding [B, T, ...] into [B*T, ...]."""
    inputs = LegacyInput(batch)
    if len(lead) == 2:
        for key, value in batch.items():
            if key not in _APART:
                inputs[key] = _fold(value, lead)
    inputs["obs"] = obs
    inputs["is_training"] = training
    return inputs


def _fold(value: Any, lead: tuple[int, ...]) -> Any:
    if isinstance(value, torch.Tensor):
        return value.flatten(0, 1) if value.shape[:2] == lead else value
    if isinstance(value, dict):
        return {key: _fold(item, lead) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_fold(item, lead) for item in value)
    return value
