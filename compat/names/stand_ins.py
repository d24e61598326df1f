"""What stands for names that RLlib had and nothing here implements.

Old files import much that their model classes never touch: trainers, readers of offline data, the
TF half of a file that serves both frameworks. Such an import succeeds, a class may be subclassed,
and the first real use says what is missing. Constants have no stand-in: they raise on import.

UnknownInRay   the error, an ImportError
stand_in       the class or function for a row of the table
"""

from __future__ import annotations

from typing import NoReturn

from rlmigrate import eras
from rlmigrate.errors import RlmigrateError


class UnknownInRay(RlmigrateError, ImportError):
    """RLlib had this name, and nothing here implements it."""


class _Missing(type):
    """The class of classes that only name what is missing."""

    missing: str

    def __call__(cls, *_args: object, **_settings: object) -> NoReturn:
        raise UnknownInRay(cls.missing)

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UnknownInRay(cls.missing)


def stand_in(row: eras.Row, message: str) -> object:
    """Return a class or function that raises UnknownInRay on use; raises it for a constant."""
    module, _, name = row.name.rpartition(".")
    if name.isupper() or row.kind == "module":
        raise UnknownInRay(message)
    if row.kind == "class" or (row.kind != "function" and name[:1].isupper()):
        return _Missing(name, (), {"__module__": module, "missing": message, "__doc__": message})

    def missing(*_args: object, **_settings: object) -> NoReturn:
        raise UnknownInRay(message)

    missing.__name__ = missing.__qualname__ = name
    missing.__module__ = module
    return missing
