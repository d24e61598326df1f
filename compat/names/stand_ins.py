"""What stands for names that RLlib had and nothing here implements.

Old files import much that their model classes never touch: trainers, readers of offline data, the
TF half of a file that serves both frameworks. Such an import succeeds, a class may be subclassed,
and the first real use says what is missing. A default config is an empty dict that says so when a
key of it is read. Other constants have no stand-in: they raise on import.

UnknownInRay   the error, an ImportError
MissingConfig  a default config that is not here
stand_in       the class or function for a row of the table
"""

from __future__ import annotations

from abc import ABCMeta
from copy import deepcopy
from typing import Any, NoReturn

from rlmigrate import eras
from rlmigrate.compat.names.tune import merge_dicts
from rlmigrate.errors import RlmigrateError


class UnknownInRay(RlmigrateError, ImportError):
    """RLlib had this name, and nothing here implements it."""


class _Missing(ABCMeta):
    """The class of classes that only name what is missing; they mix with abstract classes."""

    missing: str

    def __call__(cls, *_args: object, **_settings: object) -> NoReturn:
        raise UnknownInRay(cls.missing)

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UnknownInRay(cls.missing)

    def __getitem__(cls, _parameters: object) -> _Missing:
        """Take type parameters, as annotations write them."""
        return cls

    def with_updates(cls, **changes: object) -> _Missing:
        """Derive a class, which is missing as well; old files do so while they are imported."""
        return _missing_class(str(changes.get("name") or cls.__name__), cls.__module__, cls.missing)

    def merge_trainer_configs(
        cls, first: dict[str, Any], second: dict[str, Any], **_settings: object
    ) -> dict[str, Any]:
        """Lay a config over a default one; old files do so while they are imported."""
        return merge_dicts(first, second)

    merge_algorithm_configs = merge_trainer_configs


def _missing_class(name: str, module: str, message: str) -> _Missing:
    body = {"__module__": module, "missing": message, "__doc__": message, "__stands_in__": True}
    return _Missing(name, (), body)


class MissingConfig(dict[str, object]):
    """A default config that is not here: it takes new keys and says so when asked for others."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def __missing__(self, key: str) -> NoReturn:
        raise UnknownInRay(f"{self.message} (its key {key!r} was read)")

    def __deepcopy__(self, memo: dict[int, object]) -> MissingConfig:
        fresh = MissingConfig(self.message)
        fresh.update(deepcopy(dict(self), memo))
        return fresh

    def copy(self) -> MissingConfig:
        """Copy it with what was put into it."""
        return self.__deepcopy__({})


def stand_in(row: eras.Row, message: str) -> object:
    """Return a class or function that raises UnknownInRay on use; raises it for a constant."""
    module, _, name = row.name.rpartition(".")
    if name.endswith("DEFAULT_CONFIG") or name == "COMMON_CONFIG":
        return MissingConfig(message)
    if row.kind == "module" or (name.isupper() and row.kind not in ("class", "function")):
        raise UnknownInRay(message)
    if row.kind == "class" or (row.kind != "function" and name[:1].isupper()):
        return _missing_class(name, module, message)

    def missing(*_args: object, **settings: object) -> object:
        if name.startswith("build_"):  # of a trainer or policy class, while a file is imported
            return _missing_class(str(settings.get("name") or "Missing"), module, message)
        raise UnknownInRay(message)

    missing.__name__ = missing.__qualname__ = name
    missing.__module__ = module
    return missing
