"""What enters and leaves each Keras layer during a pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from rlmigrate.compat.parity.sides.tf.naming import Parts


@dataclass
class Calls:
    """The calls of one layer: tensors in, tensor out."""

    inputs: list[tuple[Any, ...]] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)


@contextmanager
def recorded(parts: Parts) -> Iterator[dict[str, Calls]]:
    """Record the layers' calls by name, in the order in which they answer.

    Calls inside the graph of a loop are left out: their tensors mean nothing outside of it.
    """
    found: dict[str, Calls] = {}
    names = {id(layer): name for name, layer in parts.layers.items()}
    home: Any = tf.keras.layers.Layer
    plain = home.__call__
    outside = tf.compat.v1.get_default_graph() if not tf.executing_eagerly() else None

    def call(self: Any, *arguments: Any, **keywords: Any) -> Any:
        result = plain(self, *arguments, **keywords)
        name = names.get(id(self))
        here = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        if name is None or here is not outside:
            return result
        given = [*arguments, *keywords.get("initial_state", ())]
        taken = tuple(tf.nest.flatten(given))
        first = result[0] if isinstance(result, list | tuple) and result else result
        if all(map(tf.is_tensor, taken)) and tf.is_tensor(first):
            calls = found.setdefault(name, Calls())
            calls.inputs.append(taken)
            calls.outputs.append(first)
        return result

    home.__call__ = call
    try:
        yield found
    finally:
        home.__call__ = plain
