"""Find the parameters and buffers of whatever is on either side of a transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from rlmigrate.errors import WeightsError


def parameters_of(side: Any, *, role: str) -> dict[str, torch.Tensor]:
    """List parameters and buffers by name.

    `side` is a module, a policy (its model counts), or a mapping of names to arrays. Raises
    WeightsError for anything else.
    """
    holder = holder_of(side)
    if holder is not None:
        return dict(holder.state_dict())
    if isinstance(side, Mapping):
        return {str(name): _as_tensor(value) for name, value in side.items()}
    raise WeightsError(
        f"{role} is a {type(side).__qualname__}; expected a torch module, a policy with a torch "
        "model, or a mapping of parameter names to arrays"
    )


def holder_of(side: Any) -> nn.Module | None:
    """Return the torch module that owns the parameters of `side`, if there is one."""
    if isinstance(side, nn.Module):
        return side
    model = getattr(side, "model", None)
    return model if isinstance(model, nn.Module) else None


def _as_tensor(value: Any) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    array = np.asarray(value)
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def prefix_of(side: Any) -> str:
    """Return the prefix under which a wrapped module keeps its legacy model's parameters."""
    return str(getattr(type(side), "legacy_prefix", "")) if hasattr(side, "legacy_model") else ""


def order_of(module: nn.Module) -> dict[str, int]:
    """Number the layers, by their whole names, that know when they were made: Keras's in torch."""
    found = ((name, getattr(each, "made", None)) for name, each in module.named_modules())
    return {name: number for name, number in found if isinstance(number, int)}
