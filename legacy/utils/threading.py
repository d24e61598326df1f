"""A lock around methods."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rlmigrate.errors import LegacyError


def with_lock(method: Callable[..., Any]) -> Callable[..., Any]:
    """Run a method under its object's `_lock`; raises LegacyError if there is none."""

    @functools.wraps(method)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        lock = getattr(self, "_lock", None)
        if lock is None:
            raise LegacyError(f"{type(self).__name__}.{method.__name__} needs self._lock, a lock")
        with lock:
            return method(self, *args, **kwargs)

    return locked
