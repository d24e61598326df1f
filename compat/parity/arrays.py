"""Nested results as flat maps from path to numpy array.

Array            any numpy array
flatten          nested structure -> {"obs.position": array}
map_leaves       apply a function to every leaf, keeping the structure
first_leaf       the first array of a structure
select_rows      rows of every leaf
checksum         one number for the bytes of many arrays
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Nested: TypeAlias = Any


def is_node(value: object) -> bool:
    """Tell whether a value is a container, not a leaf."""
    if isinstance(value, np.ndarray):  # the usual one, and the quickest to tell
        return False
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and not isinstance(value, str)
    )


def flatten(structure: Nested, prefix: str = "") -> dict[str, Array]:
    """Map each leaf's path to its array; mappings go by key, sequences by position.

    >>> sorted(flatten({"a": [1.0, 2.0], "b": 3}))
    ['a.0', 'a.1', 'b']
    """
    if isinstance(structure, Mapping):
        pairs = [(str(key), value) for key, value in structure.items()]
    elif is_node(structure):
        pairs = [(str(index), value) for index, value in enumerate(structure)]
    else:
        return {prefix or "value": np.asarray(structure)}
    flat: dict[str, Array] = {}
    for key, value in pairs:
        flat.update(flatten(value, f"{prefix}.{key}" if prefix else key))
    return flat


def map_leaves(function: Callable[[Any], Any], structure: Nested) -> Nested:
    """Apply a function to every leaf; mappings become dicts, sequences keep their type."""
    if isinstance(structure, np.ndarray):
        return function(structure)
    if isinstance(structure, Mapping):
        return {key: map_leaves(function, value) for key, value in structure.items()}
    if isinstance(structure, tuple):
        return tuple(map_leaves(function, value) for value in structure)
    if isinstance(structure, list):
        return [map_leaves(function, value) for value in structure]
    return function(structure)


def leaves(structure: Nested) -> list[Any]:
    """List the leaves in the structure's own order."""
    if isinstance(structure, Mapping):
        return [leaf for value in structure.values() for leaf in leaves(value)]
    if is_node(structure):
        return [leaf for value in structure for leaf in leaves(value)]
    return [structure]


def first_leaf(structure: Nested) -> Array:
    """Give the first leaf as an array."""
    while is_node(structure):
        structure = next(iter(structure.values() if isinstance(structure, Mapping) else structure))
    return np.asarray(structure)


def select_rows(structure: Nested, rows: slice | Sequence[int]) -> Nested:
    """Take rows of the leading axis from every leaf."""
    return map_leaves(lambda leaf: np.asarray(leaf)[rows], structure)


def stack_rows(rows: Sequence[Nested]) -> Nested:
    """Stack equal structures along a new leading axis."""
    head = rows[0]
    if isinstance(head, Mapping):
        return {key: stack_rows([row[key] for row in rows]) for key in head}
    if isinstance(head, tuple):
        return tuple(stack_rows([row[i] for row in rows]) for i in range(len(head)))
    if isinstance(head, list):
        return [stack_rows([row[i] for row in rows]) for i in range(len(head))]
    return np.stack([np.asarray(row) for row in rows])


def checksum(arrays: Iterable[Array]) -> str:
    """Give the CRC of all arrays' bytes, one after the other.

    >>> checksum([np.zeros(2)]) == checksum([np.zeros(1), np.zeros(1)])
    True
    """
    total = 0
    for values in arrays:
        total = zlib.crc32(np.ascontiguousarray(values).data, total)
    return f"{total:08x}"
