"""Activations by name, for models of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def tf_activation(name: str | Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Return the function of an activation; None stands for linear.

    Raises ValueError for a name that tf.nn does not know.
    """
    if name is None or callable(name):
        return name
    if name.lower() == "linear":
        return None
    found: Callable[..., Any] | None = getattr(tf.nn, name.lower(), None)
    if found is None:
        raise ValueError(f"unknown activation {name!r}; give the name of a function of tf.nn")
    return found


def tf_get_activation_fn(
    name: str | Callable[..., Any] | None = None, framework: str = "tf"
) -> Callable[..., Any] | None:
    """Return what RLlib's function of this name did, which was told the framework."""
    return tf_activation(name)
