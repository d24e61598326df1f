"""Unpickle with an allow-list, so that a file can hold data but run no code.

What it knows: numpy arrays and scalars of numbers, OrderedDict, gymnasium's own spaces, RLlib's
modules, specs and catalogs (as ours), and the classes that the caller passes. Any other global
becomes a `Refused` mark, which raises as soon as the file tries to call or to build it.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

import gymnasium as gym
import numpy as np

from rlmigrate.errors import CheckpointError, UnsafeCheckpoint
from rlmigrate.new_stack.checkpoints.ray_classes import class_for

_NUMBERS = "biufcSU"
_SPACES = (
    "Box",
    "Dict",
    "Discrete",
    "MultiBinary",
    "MultiDiscrete",
    "Text",
    "Tuple",
    "Sequence",
    "OneOf",
)


class Refused:
    """A global that is not on the allow-list: it can be named in an error, and nothing else."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuse."""
        raise UnsafeCheckpoint(
            f"reading this file would call {self.name}, which may run any code; nothing was called"
        )

    def __repr__(self) -> str:
        return f"<refused {self.name}>"


class _Inert:
    """A random generator of a space, which a checkpoint has no use for."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Ignore what it was made from."""

    def __setstate__(self, state: object) -> None:
        """Ignore its state."""


def loads(data: bytes, *, module_classes: Mapping[str, type] | None = None) -> Any:
    """Unpickle bytes.

    Args:
        data: The pickle.
        module_classes: Classes of the caller's that may be built, by qualified name.

    Raises UnsafeCheckpoint if the file wants more than the allow-list gives, CheckpointError if it
    is no pickle.
    """
    try:
        return _Unpickler(io.BytesIO(data), module_classes or {}).load()
    except CheckpointError:
        raise
    except (pickle.UnpicklingError, EOFError, IndexError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"not a readable pickle: {error}") from error
    except (AttributeError, ImportError, RecursionError) as error:
        raise CheckpointError(f"not a readable pickle: {error}") from error


# The pure Python unpickler, because the one in C cannot be kept from setting attributes on classes
# (BUILD with a class on the stack), which would change them for the whole process.
class _Unpickler(pickle._Unpickler):
    dispatch: ClassVar[Any] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: io.BytesIO, module_classes: Mapping[str, type]) -> None:
        super().__init__(file)
        self._module_classes = module_classes

    def find_class(self, module: str, name: str) -> Any:
        """Return what a global stands for here."""
        dotted = f"{module}.{name}"
        if dotted in self._module_classes:
            return self._module_classes[dotted]
        ours = class_for(dotted)
        if ours is not None:
            return ours
        return _allowed(module, name) or Refused(dotted)

    def persistent_load(self, pid: object) -> NoReturn:
        """Refuse references to data outside the pickle."""
        raise UnsafeCheckpoint(f"the pickle refers to data outside of it: {pid!r}")

    def get_extension(self, code: int) -> NoReturn:
        """Refuse classes by registered number."""
        raise UnsafeCheckpoint(f"the pickle uses the extension code {code}, which names any class")

    def load_build(self) -> None:
        """Give an object its state; never a class, a function or a module."""
        state = self.stack.pop()  # type: ignore[attr-defined]
        target = self.stack[-1]  # type: ignore[attr-defined]
        if isinstance(target, (type, Refused)) or callable(target):
            raise UnsafeCheckpoint(f"the pickle changes {target!r} instead of building an object")
        if isinstance(target, _Dtype):
            target.set_state(state)
        elif isinstance(target, gym.Space):
            _set_space(target, state)
        elif isinstance(target, np.ndarray):
            _set_array(target, state)
        elif isinstance(target, (_Inert, OrderedDict)):
            pass
        elif isinstance(state, dict) and hasattr(target, "__dict__"):
            target.__dict__.update(state)
        else:
            raise UnsafeCheckpoint(f"a {type(target).__name__} with a state was refused")

    dispatch[pickle.BUILD[0]] = load_build


class _Dtype:
    """A numpy dtype in the making; only numbers and text."""

    def __init__(self, name: object, *ignored: object) -> None:
        self.value = np.dtype(str(name))
        if self.value.kind not in _NUMBERS:
            raise UnsafeCheckpoint(f"an array of dtype {name!r} was refused; it may hold objects")

    def set_state(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if order not in ("<", ">", "|", "="):
            raise UnsafeCheckpoint(f"a dtype with the state {state!r} was refused")
        self.value = self.value.newbyteorder(order)


def _dtype_of(made: object) -> np.dtype[Any]:
    if not isinstance(made, _Dtype):
        raise UnsafeCheckpoint(f"a dtype was expected, not {made!r}")
    return made.value


def _frombuffer(buffer: Any, dtype: object, shape: Any, order: Any, *rest: Any) -> Any:
    return np.frombuffer(buffer, dtype=_dtype_of(dtype)).reshape(shape, order=order)


def _scalar(dtype: object, data: Any) -> Any:
    return np.frombuffer(data, dtype=_dtype_of(dtype))[0]


def _reconstruct(kind: object, shape: Any, code: Any) -> Any:
    return np.zeros(0, dtype=np.float32)


def _encode(text: object, codec: object) -> bytes:
    """Make bytes from text, which is how protocol 2 holds them."""
    if not isinstance(text, str) or codec != "latin1":
        raise UnsafeCheckpoint(f"text was to be encoded as {codec!r}")
    return text.encode("latin-1")


def _set_array(target: np.ndarray[Any, Any], state: Any) -> None:
    _, shape, dtype, fortran, data = state
    if not isinstance(data, (bytes, bytearray, str)):
        raise UnsafeCheckpoint("an array of objects was refused")
    raw = data.encode("latin-1") if isinstance(data, str) else bytes(data)
    filled = np.frombuffer(raw, dtype=_dtype_of(dtype)).reshape(
        shape, order="F" if fortran else "C"
    )
    whole: Any = (1, filled.shape, filled.dtype, False, filled.tobytes("C"))
    target.__setstate__(whole)


def _set_space(target: gym.Space[Any], state: Any) -> None:
    if isinstance(state, tuple):
        state = {**(state[0] or {}), **(state[1] or {})}
    plain = {key: _plain(value) for key, value in dict(state).items()}
    plain["_np_random"] = None
    target.__setstate__(plain)


def _plain(value: Any) -> Any:
    if isinstance(value, _Dtype):
        return value.value
    return value


def _allowed(module: str, name: str) -> Any:
    if module in ("numpy._core.multiarray", "numpy.core.multiarray"):
        return {"_reconstruct": _reconstruct, "scalar": _scalar}.get(name)
    if module in ("numpy._core.numeric", "numpy.core.numeric") and name == "_frombuffer":
        return _frombuffer
    if module == "numpy":
        return {"dtype": _Dtype, "ndarray": np.ndarray}.get(name)
    if (module, name) == ("collections", "OrderedDict"):
        return OrderedDict
    if (module, name) == ("_codecs", "encode"):
        return _encode
    if module.startswith("numpy.random"):
        return _Inert
    if module.startswith("gymnasium.spaces") and name in _SPACES:
        return getattr(gym.spaces, name)
    if module.startswith("gymnasium.spaces") and name.startswith("Graph"):
        return getattr(gym.spaces, name, None)
    if module in ("builtins", "__builtin__") and name in ("set", "frozenset", "complex", "slice"):
        return {"set": set, "frozenset": frozenset, "complex": complex, "slice": slice}[name]
    return None
