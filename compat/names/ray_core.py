"""`ray` itself, where there is no cluster: what models and module scripts call on the way.

init, shutdown, is_initialized   do nothing
get, put                         an object is its own reference
remote                           refused: it needs Ray
log_once                         true the first time for a key
UnsupportedSpaceException        RLlib's name of what models and policies raise
"""

from __future__ import annotations

from typing import TypeVar

from rlmigrate.errors import MissingDependency, UnsupportedSpace

T = TypeVar("T")

UnsupportedSpaceException = UnsupportedSpace

_initialized = [False]
_logged: set[str] = set()


def init(*_args: object, **_settings: object) -> None:
    """Note that the program has asked for Ray; nothing starts."""
    _initialized[0] = True


def shutdown(*_args: object, **_settings: object) -> None:
    """Note that the program is done with Ray."""
    _initialized[0] = False


def is_initialized() -> bool:
    """Tell whether `init` was called."""
    return _initialized[0]


def put(value: T) -> T:
    """Return the value: there is no store, so it is its own reference."""
    return value


def get(reference: T) -> T:
    """Return what `put` was given."""
    return reference


def remote(*_args: object, **_settings: object) -> object:
    """Refuse: raises MissingDependency."""
    raise MissingDependency("Ray", extra="ray", purpose="ray.remote")


def log_once(key: str) -> bool:
    """Tell whether this is the first call for a key."""
    first = key not in _logged
    _logged.add(key)
    return first
