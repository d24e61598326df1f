"""Module states: torch tensors to numpy and back, and what did not match."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class StateReport:
    """What `set_state` could not place.

    missing: parameters of the module that the state does not have; they keep their values.
    unexpected: entries of the state that the module does not have; they were ignored.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True where every parameter and every entry found its counterpart."""
        return not self.missing and not self.unexpected

    def under(self, prefix: str) -> StateReport:
        """Return the same report with every name below a prefix."""
        return StateReport(
            missing=tuple(f"{prefix}/{name}" for name in self.missing),
            unexpected=tuple(f"{prefix}/{name}" for name in self.unexpected),
        )

    def __add__(self, other: StateReport) -> StateReport:
        return StateReport(self.missing + other.missing, self.unexpected + other.unexpected)


def state_to_numpy(state: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Copy a state dict to numpy; 0-d tensors become Python numbers, as in Ray.

    Ray casts float64 to float32 and int64 to int32 here; we keep the values.
    """
    return {name: _to_numpy(tensor) for name, tensor in state.items()}


def _to_numpy(tensor: torch.Tensor) -> Any:
    tensor = tensor.detach().cpu()
    if tensor.dim() == 0:
        return tensor.item()
    if tensor.dtype == torch.bfloat16:  # numpy has no bfloat16; float32 holds every value of it
        tensor = tensor.float()
    return tensor.numpy().copy()


def state_to_torch(state: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Turn numpy arrays and numbers into tensors that share no memory with them."""
    return {name: _to_torch(value) for name, value in state.items()}


def _to_torch(value: Any) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of read-only arrays, which are only read
        return torch.as_tensor(np.asarray(value))
