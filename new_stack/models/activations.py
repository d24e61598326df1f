"""Activation functions and initializers of torch, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

_BY_LOWER_NAME: dict[str, Callable[..., nn.Module]] = {
    "elu": nn.ELU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "softmax": nn.Softmax,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


def activation_for(name: Any) -> Callable[..., nn.Module] | None:
    """Return the class of an activation layer; None for "linear" or None.

    Raises ValueError for an unknown name.
    """
    if callable(name):
        return name  # type: ignore[no-any-return]
    if name is None or name.lower() == "linear":
        return None
    found = getattr(nn, name, None) or _BY_LOWER_NAME.get(name.lower())
    if found is None:
        raise ValueError(
            f"unknown activation {name!r}; give the name of a class of torch.nn, or one of "
            f"{sorted(_BY_LOWER_NAME)}"
        )
    return found  # type: ignore[no-any-return]


def initializer_for(name: Any) -> Callable[..., Any] | None:
    """Return an initializer of torch.nn.init; None for None, which leaves torch's own.

    Raises ValueError for a name that is unknown or not of an in-place function.
    """
    if name is None or callable(name):
        return name  # type: ignore[no-any-return]
    if not name.endswith("_"):
        raise ValueError(
            f"{name!r} does not initialize in place; give a function of torch.nn.init whose name "
            f"ends in an underscore, such as '{name}_'"
        )
    found = getattr(nn.init, name.lower(), None)
    if found is None:
        raise ValueError(f"torch.nn.init has no {name.lower()!r}")
    return found  # type: ignore[no-any-return]


def initialize(
    parameter: torch.Tensor | None, name: Any, options: Mapping[str, Any] | None = None
) -> None:
    """Initialize a parameter; a parameter or an initializer of None changes nothing."""
    function = initializer_for(name)
    if function is not None and parameter is not None:
        function(parameter, **(options or {}))
