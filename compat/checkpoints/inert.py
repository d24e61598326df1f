"""Unpickle old checkpoints without running code from them, whatever classes they name.

    Inert    what stands for an object of a class that is not needed here
    loads    unpickle: data comes out, everything else as Inert

Old checkpoints hold callbacks, environments and settings of classes that moved or are gone. None
of that is needed for the weights, so unknown classes do not stop the reading, and are not
imported, called or built.
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from rlmigrate.compat.checkpoints.mapped import Window
from rlmigrate.errors import CheckpointError, UnsafeCheckpoint
from rlmigrate.new_stack.checkpoints import unpickling

# Bytes; smaller strings are copied, so that they are plain bytes.
_LARGE = 1 << 16


class Inert:
    """An object that was not built: its class's name, and the data that it was to be built from."""

    def __init__(self, name: str, arguments: tuple[Any, ...] = ()) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None
        self.entries: list[Any] = []
        self.items: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"<{self.name}, not built>"

    def get(self, key: str, default: Any = None) -> Any:
        """Look a value up among the attributes and items that the object was to have."""
        for place in (self.attributes(), self.items):
            if key in place:
                return place[key]
        return default

    def attributes(self) -> dict[str, Any]:
        """Return the attributes that the object was to have."""
        state = self.state
        if isinstance(state, tuple) and len(state) == 2:
            found: dict[str, Any] = {}
            for part in state:
                if isinstance(part, dict):
                    found.update(part)
            return found
        return state if isinstance(state, dict) else {}

    def append(self, value: Any) -> None:
        """Keep an element of what was to be a list."""
        self.entries.append(value)

    def extend(self, values: Iterable[Any]) -> None:
        """Keep elements of what was to be a list."""
        self.entries.extend(values)

    def add(self, value: Any) -> None:
        """Keep an element of what was to be a set."""
        self.entries.append(value)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Keep an item of what was to be a dict."""
        try:
            self.items[key] = value
        except TypeError:
            self.entries.append((key, value))


def loads(data: bytes | memoryview) -> Any:
    """Unpickle data, with Inert for whatever is no plain data.

    Large byte strings, such as those of arrays, come out as parts of `data`, not as copies.
    Raises CheckpointError if it is no pickle or is cut off, UnsafeCheckpoint if it refers to data
    outside, uses class numbers, or holds arrays of objects.
    """
    try:
        return _Unpickler(Window(data)).load()
    except CheckpointError:
        raise
    except Exception as error:  # a pickle can ask for any nonsense
        raise CheckpointError(f"not a readable pickle: {type(error).__name__}: {error}") from error


class _Unpickler(unpickling._Unpickler):
    dispatch: ClassVar[Any] = dict(unpickling._Unpickler.dispatch)

    stack: list[Any]
    append: Any
    read: Any
    _unframer: Any

    def __init__(self, window: Window) -> None:
        super().__init__(window, {})  # type: ignore[arg-type]
        self._window = window

    def find_class(self, module: str, name: str) -> Any:
        """Return what a global stands for: a maker of data, or Inert."""
        dotted = f"{module}.{name}"
        if module.startswith(("gym.", "gymnasium.", "ray.")):
            return Inert(dotted)
        found = super().find_class(module, name)
        return Inert(dotted) if isinstance(found, unpickling.Refused) else found

    def _make(self, kind: Any, arguments: tuple[Any, ...]) -> Any:
        if isinstance(kind, Inert):
            # copyreg.__reduce_ex__ and friends name the class in their first argument.
            if kind.name.startswith("copyreg.") and arguments and isinstance(arguments[0], Inert):
                return Inert(arguments[0].name, arguments[1:])
            return Inert(kind.name, arguments)
        if not callable(kind):
            raise UnsafeCheckpoint(f"the pickle calls {kind!r}")
        return kind(*arguments)

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self._make(self.stack[-1], arguments)

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self._make(self.stack[-1], arguments)

    def load_newobj_ex(self) -> None:
        keywords = self.stack.pop()
        arguments = self.stack.pop()
        made = self._make(self.stack[-1], arguments)
        if isinstance(made, Inert):
            made.items.update(keywords)
        self.stack[-1] = made

    def load_inst(self) -> NoReturn:
        raise UnsafeCheckpoint("the pickle uses the INST code, which no RLlib release wrote")

    def load_obj(self) -> NoReturn:
        raise UnsafeCheckpoint("the pickle uses the OBJ code, which no RLlib release wrote")

    def _load_bytes(self) -> None:
        """Push a byte string; one that stands outside of frames, as large ones do, uncopied."""
        size: int = struct.unpack("<Q", self.read(8))[0]
        if self._unframer.current_frame is not None or size < _LARGE:
            self.append(self.read(min(size, sys.maxsize)))
            return
        part = self._window.take(size)
        if len(part) < size:
            raise CheckpointError(f"the pickle ends {size - len(part)} bytes too early")
        self.append(part)

    def load_build(self) -> None:
        if isinstance(self.stack[-2], Inert):
            state = self.stack.pop()
            self.stack[-1].state = state
            return
        super().load_build()

    dispatch[pickle.BINBYTES8[0]] = _load_bytes
    dispatch[pickle.BYTEARRAY8[0]] = _load_bytes
    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex
    dispatch[pickle.INST[0]] = load_inst
    dispatch[pickle.OBJ[0]] = load_obj
    dispatch[pickle.BUILD[0]] = load_build
