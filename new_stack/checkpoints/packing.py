"""States in msgpack, with arrays in the form of msgpack_numpy.

msgpack_numpy unpickles arrays of objects while it reads; here they are refused. Ray replaces
msgpack's functions by those of msgpack_numpy for the whole process, so the ones below are taken
from where they are defined.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlmigrate.errors import CheckpointError, MissingDependency, UnsafeCheckpoint


def _msgpack() -> Any:
    try:
        from msgpack import _cmsgpack
    except ImportError:
        pass
    else:
        return _cmsgpack
    try:
        from msgpack import fallback
    except ImportError as error:
        raise MissingDependency("msgpack", extra="torch", purpose="a msgpack checkpoint") from error
    return fallback


def dumps(state: object) -> bytes:
    """Pack a state."""
    packed: bytes = _msgpack().Packer(default=_encode).pack(state)
    return packed


def loads(data: bytes) -> Any:
    """Unpack a state.

    Raises UnsafeCheckpoint for arrays that may hold objects, CheckpointError for what is no
    msgpack.
    """
    msgpack = _msgpack()
    try:
        return msgpack.unpackb(data, object_hook=_decode, strict_map_key=False)
    except CheckpointError:
        raise
    except Exception as error:  # msgpack has several of its own, without a common base
        raise CheckpointError(f"not readable as msgpack: {error}") from error


def _encode(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        is_array = isinstance(value, np.ndarray)
        if value.dtype.kind in "OV":
            raise CheckpointError(f"arrays of dtype {value.dtype} cannot be written")
        packed: dict[bytes, Any] = {b"nd": is_array, b"type": value.dtype.str}
        if is_array:
            packed[b"kind"] = b""
            packed[b"shape"] = value.shape
        packed[b"data"] = value.tobytes()
        return packed
    raise TypeError(f"cannot be written with msgpack: {type(value).__name__}")


def _decode(value: dict[Any, Any]) -> Any:
    if b"nd" not in value and "nd" not in value:
        return value
    fields = {key.decode() if isinstance(key, bytes) else key: part for key, part in value.items()}
    if fields.get("kind") not in (None, b"", ""):
        raise UnsafeCheckpoint(f"an array of kind {fields['kind']!r} was refused")
    name = fields.get("type")
    dtype = np.dtype(name.decode() if isinstance(name, bytes) else str(name))
    if dtype.kind in "OV":
        raise UnsafeCheckpoint(f"an array of dtype {dtype} was refused; it may hold code")
    flat = np.frombuffer(fields["data"], dtype=dtype)
    return flat.reshape(fields["shape"]) if fields["nd"] else flat[0]
