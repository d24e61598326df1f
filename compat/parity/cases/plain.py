"""A case as plain JSON values and back, and in words.

to_plain      Case -> dicts, lists and numbers
from_plain    the way back, bit for bit
in_words      "1 row: obs [0, 0.5], actions 1"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rlmigrate.compat.parity.arrays import Array, Nested, flatten
from rlmigrate.compat.parity.cases.case import Case

#: Numbers of one leaf that are written out in words.
_SHOWN = 24


def to_plain(case: Case) -> dict[str, Any]:
    """Turn a case into JSON values.

    >>> to_plain(Case("c", np.float32([[1.5]]), np.int64([0])))["obs"]
    {'dtype': 'float32', 'shape': [1, 1], 'values': [1.5]}
    """
    return {
        "name": case.name,
        "obs": _pack(case.obs),
        "actions": _pack(case.actions),
        "seq_lens": None if case.seq_lens is None else _pack(case.seq_lens),
        "state": None if case.state is None else [_pack(part) for part in case.state],
        "extra": [[name, _pack(value)] for name, value in case.extra],
    }


def from_plain(plain: Mapping[str, Any]) -> Case:
    """Rebuild a case."""
    state, lengths = plain["state"], plain["seq_lens"]
    return Case(
        plain["name"],
        _unpack(plain["obs"]),
        _unpack(plain["actions"]),
        None if lengths is None else _unpack(lengths),
        None if state is None else tuple(_unpack(part) for part in state),
        tuple((name, _unpack(value)) for name, value in plain["extra"]),
    )


def _pack(value: Nested) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"dict": [[key, _pack(item)] for key, item in value.items()]}
    if isinstance(value, tuple | list):
        return {"tuple": [_pack(item) for item in value]}
    array = np.asarray(value)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": array.ravel().tolist()}


def _unpack(packed: Mapping[str, Any]) -> Nested:
    if "dict" in packed:
        return {key: _unpack(item) for key, item in packed["dict"]}
    if "tuple" in packed:
        return tuple(_unpack(item) for item in packed["tuple"])
    return np.array(packed["values"], dtype=packed["dtype"]).reshape(packed["shape"])


def in_words(case: Case) -> str:
    """Say what a small case holds, leaf by leaf; of large leaves, what is not zero."""
    if case.seq_lens is not None and case.steps > 1:
        head = f"sequences of {', '.join(map(str, case.seq_lens))} steps"
    else:
        head = f"{case.rows} row" + ("s" if case.rows > 1 else "")
    parts = [f"{path} {_numbers(leaf)}" for path, leaf in flatten(case.obs, "obs").items()]
    parts += [f"{path} {_numbers(x)}" for path, x in flatten(case.actions, "actions").items()]
    for i, part in enumerate(case.state or ()):
        parts.append(f"state {i} {_numbers(part)}")
    return f"{head}: {'; '.join(parts)}"


def _numbers(leaf: Array) -> str:
    if leaf.size <= _SHOWN:
        shown = leaf[0] if len(leaf) == 1 else leaf
        return " ".join(np.array2string(shown, separator=", ", precision=6).split())
    there = int(np.count_nonzero(leaf))
    if not there:
        return f"all 0 {leaf.shape}"
    low, high = leaf.min(), leaf.max()
    return f"{leaf.shape}, {there} of {leaf.size} not 0, in [{low:.6g}, {high:.6g}]"
