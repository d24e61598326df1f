"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn


def activation(name: str | Callable[[], nn.Module] | None) -> Callable[[], nn.Module] | None:
    """Return the class of an activation; None stands for linear.

    Raises ValueError for a name that torch.nn does not know.
    """
    if name is None or callable(name):
        return name
    if name.lower() == "linear":
        return None
    short = {"swish": "SiLU", "silu": "SiLU", "relu": "ReLU", "tanh": "Tanh", "elu": "ELU"}
    found = getattr(nn, name, None) or getattr(nn, short.get(name.lower(), ""), None)
    if found is None:
        raise ValueError(f"unknown activation {name!r}; give the name of a class of torch.nn")
    return found  # type: ignore[no-any-return]
