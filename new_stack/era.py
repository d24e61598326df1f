"""Which release's constructor forms the RLModule stack accepts right now.

current_era   None outside `ray_names()`, "any" in it, or one release such as "2.4"
accepts       whether a form that lived from one release to another is accepted now
speaking      a context in which an era's forms are accepted

Outside `rlmigrate.ray_names()` the stack raises as Ray 2.60 does. The era belongs to the process,
as `sys.modules` does, not to the thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

#: Inside `ray_names()` without an era: the forms of all releases are accepted.
ANY = "any"

_eras: list[str | None] = [None]


def current_era() -> str | None:
    """Return the era in force: None, `ANY`, or a release such as "2.4"."""
    return _eras[-1]


def accepts(*, since: str = "0.0", until: str) -> bool:
    """Tell whether a form that lived from release `since` to `until` is accepted now.

    >>> accepts(until="2.37")
    False
    >>> with speaking("2.4"):
    ...     accepts(since="2.3", until="2.37"), accepts(since="2.38", until="2.60")
    (True, False)
    """
    era = current_era()
    if era is None:
        return False
    if era == ANY:
        return True
    return _number(since) <= _number(era) <= _number(until)


@contextmanager
def speaking(era: str | None) -> Iterator[None]:
    """Accept the forms of `era` (None: of every era) while the context lasts."""
    _eras.append(era or ANY)
    try:
        yield
    finally:
        _eras.pop()


def _number(release: str) -> tuple[int, int]:
    major, _, minor = release.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)
