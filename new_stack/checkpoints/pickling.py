"""Pickle that names Ray's classes for ours, so that Ray loads what is written here."""

from __future__ import annotations

import io
import pickle
import struct
from typing import IO, Any, ClassVar

from rlmigrate.new_stack.checkpoints.ray_classes import ray_name_of

# Bytes from which on an array's memory goes to the file as it is, and not by way of a copy.
_LARGE = 1 << 16


class _Pickler(pickle._Pickler):
    dispatch: ClassVar[Any] = dict(pickle._Pickler.dispatch)

    def save_type(self, obj: type) -> None:
        """Save a class by its name."""
        dotted = ray_name_of(obj)
        if dotted is None and obj.__module__ == "builtins":
            super().save_type(obj)  # type: ignore[misc]
            return
        if dotted is None:
            module, name = obj.__module__, obj.__qualname__
        else:
            module, _, name = dotted.rpartition(".")
        self.save(module)  # type: ignore[attr-defined]
        self.save(name)  # type: ignore[attr-defined]
        self.write(pickle.STACK_GLOBAL)  # type: ignore[attr-defined]
        self.memoize(obj)  # type: ignore[attr-defined]

    dispatch[type] = save_type

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Save what stands for itself by its name."""
        if isinstance(obj, type):
            self.save_type(obj)
        else:
            super().save_global(obj, name)  # type: ignore[misc]

    def save_picklebuffer(self, obj: pickle.PickleBuffer) -> None:
        """Save the memory of an array."""
        with obj.raw() as memory:
            if memory.nbytes < _LARGE:
                super().save_picklebuffer(obj)  # type: ignore[misc]
                return
            header = pickle.BYTEARRAY8 + struct.pack("<Q", memory.nbytes)
            self._write_large_bytes(header, memory)  # type: ignore[attr-defined]
        self.memoize(obj)  # type: ignore[attr-defined]

    dispatch[pickle.PickleBuffer] = save_picklebuffer


def dump(value: object, file: IO[bytes]) -> None:
    """Pickle a value into a file, ours under Ray's names."""
    _Pickler(file, protocol=5).dump(value)


def dumps(value: object) -> bytes:
    """Pickle a value, ours under Ray's names."""
    buffer = io.BytesIO()
    dump(value, buffer)
    return buffer.getvalue()
