"""gymnasium spaces as plain data, in Ray's form.

Ray reads the arrays in it with `allow_pickle=True`, so that a JSON file can run code; here only
numbers are read.
"""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.errors import CheckpointError, UnsafeCheckpoint

# What one array of bounds may hold; Ray's largest observations are images.
MAX_ARRAY_BYTES = 256 * 1024 * 1024


def space_to_dict(space: gym.Space[Any] | None) -> dict[str, Any] | None:
    """Return a space as plain data.

    >>> space_to_dict(gym.spaces.Discrete(2))
    {'space': 'discrete', 'n': 2, 'start': 0}

    Raises CheckpointError for a space that Ray's form does not know.
    """
    if space is None:
        return None
    if isinstance(space, gym.spaces.Box):
        return {
            "space": "box",
            "low": _pack(space.low),
            "high": _pack(space.high),
            "shape": space.shape,
            "dtype": space.dtype.str,  # type: ignore[union-attr]
        }
    if isinstance(space, gym.spaces.Discrete):
        return {"space": "discrete", "n": int(space.n), "start": int(space.start)}
    if isinstance(space, gym.spaces.MultiBinary):
        return {"space": "multi-binary", "n": space.n}
    if isinstance(space, gym.spaces.MultiDiscrete):
        return {
            "space": "multi-discrete",
            "nvec": _pack(space.nvec),
            "dtype": space.dtype.str,  # type: ignore[union-attr]
        }
    if isinstance(space, gym.spaces.Tuple):
        return {"space": "tuple", "spaces": [space_to_dict(part) for part in space.spaces]}
    if isinstance(space, gym.spaces.Dict):
        parts = {key: space_to_dict(part) for key, part in space.spaces.items()}
        return {"space": "dict", "spaces": parts}
    if isinstance(space, gym.spaces.Text):
        return {
            "space": "text",
            "min_length": space.min_length,
            "max_length": space.max_length,
            "charset": "".join(sorted(space.character_set)),
        }
    raise CheckpointError(f"a space of type {type(space).__name__} cannot be written: {space}")


def space_from_dict(data: Mapping[str, Any] | None) -> gym.Space[Any] | None:
    """Read what `space_to_dict` gave, here or in Ray.

    Raises CheckpointError for an unknown kind, UnsafeCheckpoint for arrays of objects.
    """
    if data is None:
        return None
    kind = data.get("space")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise CheckpointError(f"unknown kind of space {kind!r}; known: {sorted(_READERS)}")
    return reader({key: value for key, value in data.items() if key != "space"})


def _part(data: Any) -> gym.Space[Any]:
    part = space_from_dict(data)
    if part is None:
        raise CheckpointError("a part of a nested space is missing")
    return part


def _box(data: dict[str, Any]) -> gym.Space[Any]:
    dtype = _dtype(data["dtype"])
    return gym.spaces.Box(
        low=_unpack(data["low"]),
        high=_unpack(data["high"]),
        shape=tuple(data["shape"]),
        dtype=dtype,  # type: ignore[arg-type]
    )


def _multi_discrete(data: dict[str, Any]) -> gym.Space[Any]:
    dtype = _dtype(data.get("dtype", "<i8"))
    return gym.spaces.MultiDiscrete(_unpack(data["nvec"]), dtype=dtype)  # type: ignore[arg-type]


_READERS: dict[str, Callable[[dict[str, Any]], gym.Space[Any]]] = {
    "box": _box,
    "discrete": lambda data: gym.spaces.Discrete(**data),
    "multi-binary": lambda data: gym.spaces.MultiBinary(data["n"]),
    "multi-discrete": _multi_discrete,
    "tuple": lambda data: gym.spaces.Tuple([_part(part) for part in data["spaces"]]),
    # A list of pairs keeps the order; gymnasium sorts a plain dict.
    "dict": lambda data: gym.spaces.Dict([(k, _part(v)) for k, v in data["spaces"].items()]),
    "text": lambda data: gym.spaces.Text(**data),
}


def _pack(array: np.ndarray[Any, Any]) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode("ascii")


def _unpack(text: str) -> np.ndarray[Any, Any]:
    inflate = zlib.decompressobj()
    raw = inflate.decompress(base64.b64decode(text), MAX_ARRAY_BYTES)
    if inflate.unconsumed_tail:
        raise UnsafeCheckpoint(f"the bounds of a space hold more than {MAX_ARRAY_BYTES} bytes")
    try:
        loaded: np.ndarray[Any, Any] = np.load(io.BytesIO(raw), allow_pickle=False)
    except ValueError as error:
        raise UnsafeCheckpoint(f"the bounds of a space are no array of numbers: {error}") from error
    return loaded


def _dtype(text: str) -> np.dtype[Any]:
    dtype = np.dtype(text)
    if dtype.kind not in "biuf":
        raise UnsafeCheckpoint(f"a space of dtype {text!r} was refused; only numbers are read")
    return dtype
