"""`ray` itself, where there is no cluster: what models and module scripts call on the way.

init, shutdown, is_initialized   do nothing
get, put                         an object is its own reference
remote                           marks a class or function; starting one needs Ray
log_once                         true the first time for a key
UnsupportedSpaceException        RLlib's name of what models and policies raise
"""

from __future__ import annotations

from typing import Any, TypeVar

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


class Remote:
    """A class or function that old files mark while they are imported; it can only be looked at.

    >>> @remote(num_cpus=1)
    ... class Worker: ...
    >>> Worker.options(num_gpus=1).remote()
    Traceback (most recent call last):
    rlmigrate.errors.MissingDependency: Worker.remote() needs Ray, which is not installed; \
run: pip install "rlmigrate[ray]"
    """

    def __init__(self, marked: Any) -> None:
        self.marked = marked
        self.__name__ = self.__qualname__ = marked.__name__
        self.__doc__ = marked.__doc__

    def options(self, **_settings: object) -> Remote:
        """Take settings, which nothing here reads."""
        return self

    def remote(self, *_args: object, **_settings: object) -> object:
        """Refuse: raises MissingDependency."""
        purpose = f"{self.__name__}.remote()"
        raise MissingDependency("Ray", extra="ray", purpose=purpose)

    __call__ = remote


def remote(*marked: Any, **_settings: object) -> Any:
    """Mark a class or function, as `@ray.remote` and as `@ray.remote(num_cpus=1)`."""
    return Remote(marked[0]) if marked else Remote


def log_once(key: str) -> bool:
    """Tell whether this is the first call for a key."""
    first = key not in _logged
    _logged.add(key)
    return first
