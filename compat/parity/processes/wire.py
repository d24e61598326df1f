"""Cases, runs and arrays as JSON and .npz; nothing that would run code when read.

Arrays      a store that collects arrays under short keys
pack        nested structure -> JSON skeleton whose leaves are keys
unpack      the way back
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rlmigrate.compat.parity.arrays import Array, Nested
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides.base import Run, Tap


class Arrays:
    """Arrays under keys `a0`, `a1`, ...; a file without object arrays."""

    def __init__(self, values: Mapping[str, Array] | None = None) -> None:
        self.values: dict[str, Array] = dict(values or {})

    def put(self, value: object) -> str:
        """Keep an array and give its key."""
        key = f"a{len(self.values)}"
        self.values[key] = np.asarray(value)
        return key

    def save(self, path: Path) -> None:
        """Write all arrays."""
        with path.open("wb") as file:
            np.savez(file, **self.values)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Arrays:
        """Read all arrays; object arrays are refused, since they would be unpickled."""
        with np.load(path, allow_pickle=False) as file:
            return cls({name: file[name] for name in file.files})


def pack(structure: Nested, arrays: Arrays) -> Any:
    """Turn a structure into JSON, its leaves into keys of `arrays`.

    >>> store = Arrays()
    >>> pack({"a": (1, 2)}, store)
    {'dict': [['a', {'tuple': ['a0', 'a1']}]]}
    """
    if isinstance(structure, Mapping):
        return {"dict": [[key, pack(value, arrays)] for key, value in structure.items()]}
    if isinstance(structure, tuple):
        return {"tuple": [pack(value, arrays) for value in structure]}
    if isinstance(structure, list):
        return {"list": [pack(value, arrays) for value in structure]}
    return arrays.put(structure)


def unpack(skeleton: Any, arrays: Arrays) -> Nested:
    """Rebuild what `pack` took apart."""
    if isinstance(skeleton, str):
        return arrays.values[skeleton]
    ((kind, content),) = skeleton.items()
    if kind == "dict":
        return {key: unpack(value, arrays) for key, value in content}
    parts = [unpack(value, arrays) for value in content]
    return tuple(parts) if kind == "tuple" else parts


def pack_case(case: Case, arrays: Arrays) -> dict[str, Any]:
    """Turn a case into JSON."""
    return {
        "name": case.name,
        "obs": pack(case.obs, arrays),
        "actions": pack(case.actions, arrays),
        "seq_lens": None if case.seq_lens is None else arrays.put(case.seq_lens),
        "state": None if case.state is None else [arrays.put(part) for part in case.state],
        "extra": [[name, arrays.put(value)] for name, value in case.extra],
    }


def unpack_case(packed: Mapping[str, Any], arrays: Arrays) -> Case:
    """Rebuild a case."""
    state = packed["state"]
    lengths = packed["seq_lens"]
    return Case(
        packed["name"],
        unpack(packed["obs"], arrays),
        unpack(packed["actions"], arrays),
        None if lengths is None else arrays.values[lengths],
        None if state is None else tuple(arrays.values[key] for key in state),
        tuple((name, arrays.values[key]) for name, key in packed["extra"]),
    )


def pack_named(values: Mapping[str, Array | None], arrays: Arrays) -> dict[str, str | None]:
    """Turn a flat mapping into JSON; None stays None."""
    return {name: None if value is None else arrays.put(value) for name, value in values.items()}


def unpack_named(packed: Mapping[str, str | None], arrays: Arrays) -> dict[str, Array | None]:
    """Rebuild a flat mapping."""
    return {name: None if key is None else arrays.values[key] for name, key in packed.items()}


def present(values: Mapping[str, Array | None]) -> dict[str, Array]:
    """Leave out what is None."""
    return {name: value for name, value in values.items() if value is not None}


def pack_run(run: Run, arrays: Arrays) -> dict[str, Any]:
    """Turn a run into JSON."""
    return {
        "outputs": pack_named(run.outputs, arrays),
        "errors": dict(run.errors),
        "layers": {
            name: {
                "kind": tap.kind,
                "parameters": list(tap.parameters),
                "inputs": [[arrays.put(value) for value in call] for call in tap.inputs],
                "outputs": [arrays.put(value) for value in tap.outputs],
            }
            for name, tap in run.layers.items()
        },
    }


def unpack_run(packed: Mapping[str, Any], arrays: Arrays) -> Run:
    """Rebuild a run."""
    layers = {
        name: Tap(
            tap["kind"],
            tuple(tap["parameters"]),
            tuple(tuple(arrays.values[key] for key in call) for call in tap["inputs"]),
            tuple(arrays.values[key] for key in tap["outputs"]),
        )
        for name, tap in packed["layers"].items()
    }
    outputs = present(unpack_named(packed["outputs"], arrays))
    return Run(outputs, packed["errors"], layers)
