"""`ray.rllib.utils.deprecation`, for classes that old code marks with it.

DEPRECATED_VALUE      the default that says that an argument was not given
deprecation_warning   warn, or raise
Deprecated            mark a class or function
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

DEPRECATED_VALUE = "__deprecated__"


def deprecation_warning(
    old: str,
    new: str | None = None,
    *,
    help: str | None = None,
    error: bool | type[Exception] | None = None,
) -> None:
    """Warn that `old` is `new` today; raises ValueError, or the type given, if `error` says so."""
    text = (
        f"`{old}` is deprecated" + (f"; use `{new}`" if new else "") + (f"; {help}" if help else "")
    )
    if error:
        raise (error if isinstance(error, type) else ValueError)(text)
    warnings.warn(text, DeprecationWarning, stacklevel=3)


def Deprecated(
    old: str | None = None,
    *,
    new: str | None = None,
    help: str | None = None,
    error: bool | type[Exception] = False,
) -> Callable[[Any], Any]:
    """Mark a class, function or method: using it warns or raises.

    >>> @Deprecated(new="g", error=True)
    ... def f(): ...
    >>> f()
    Traceback (most recent call last):
    ValueError: `f` is deprecated; use `g`
    """

    def mark(thing: Any) -> Any:
        name = old or thing.__name__
        if inspect.isclass(thing):
            build = thing.__init__

            @functools.wraps(build)
            def init(self: Any, *args: Any, **kwargs: Any) -> None:
                deprecation_warning(name, new, help=help, error=error)
                build(self, *args, **kwargs)

            setattr(thing, "__init__", init)  # noqa: B010
            return thing

        @functools.wraps(thing)
        def call(*args: Any, **kwargs: Any) -> Any:
            deprecation_warning(name, new, help=help, error=error)
            return thing(*args, **kwargs)

        return call

    return mark
