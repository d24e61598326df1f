"""Module objects and finders that serve old names.

NamesModule     a module of RLlib that exists only as names
VirtualFinder   finds such modules; stands last where Ray is, first where it is to be hidden
RealFinder      lets Ray's own modules fall back on the table for what they lack, and its classes
                take the constructor forms of older releases
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from rlmigrate.compat.names.ray_forms import adapt
from rlmigrate.compat.names.resolver import Resolver
from rlmigrate.compat.names.stand_ins import UnknownInRay


class NamesModule(ModuleType):
    """A module whose attributes are looked up in the table of eras on first use."""

    _resolver: Resolver

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return self._resolver.exported(self.__name__)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = self._resolver.attribute(self.__name__, name)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._resolver.exported(self.__name__)})


class _NamesLoader(Loader):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = NamesModule(spec.name, "Names of RLlib, served by rlmigrate.ray_names().")
        module._resolver = self._resolver
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module as it is: its names come on use."""


class VirtualFinder(MetaPathFinder):
    """Finds the modules that RLlib had."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of Ray; raises UnknownInRay for one that no release had."""
        if fullname != "ray" and not fullname.startswith("ray."):
            return None
        if self._resolver.has_module(fullname):
            return ModuleSpec(fullname, _NamesLoader(self._resolver), is_package=True)
        if self._resolver.real or self._is_name(fullname):
            return None
        raise UnknownInRay(
            f"{fullname} is not implemented here; it needs Ray: run without --no-ray, "
            "or leave the import out",
            name=fullname,
        )

    def _is_name(self, fullname: str) -> bool:
        """Tell whether the import system asks for `module.name` after `from module import name`."""
        home, _, name = fullname.rpartition(".")
        return self._resolver.has_module(home) and name[:1].isupper()


class RealFinder(MetaPathFinder):
    """Finds Ray's own modules and gives each a fallback for the names it lacks."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._changed: list[tuple[ModuleType, Callable[[str], Any] | None]] = []
        self._undo: list[Callable[[], None]] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as the import system would, and hook the end of its execution."""
        if not fullname.startswith("ray.") or not self._resolver.has_module(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_attach(module: ModuleType) -> None:
            execute(module)
            self.attach(module)

        spec.loader.exec_module = execute_and_attach  # type: ignore[method-assign]
        return spec

    def attach_loaded(self) -> None:
        """Give the modules that are loaded already their fallback."""
        for name, module in list(sys.modules.items()):
            if name.startswith("ray.") and self._resolver.has_module(name):
                self.attach(module)

    def attach(self, module: ModuleType) -> None:
        """Let `module` look in the table for attributes it lacks."""
        before: Callable[[str], Any] | None = module.__dict__.get("__getattr__")
        home = module.__name__

        def fallback(name: str) -> Any:
            if before is not None:
                try:
                    return before(name)
                except AttributeError:
                    pass
            return self._resolver.attribute(home, name)

        module.__dict__["__getattr__"] = fallback
        self._changed.append((module, before))
        self._undo += adapt(module)

    def detach(self) -> None:
        """Take every fallback away, and the old forms."""
        while self._undo:
            self._undo.pop()()
        for module, before in reversed(self._changed):
            if before is None:
                module.__dict__.pop("__getattr__", None)
            else:
                module.__dict__["__getattr__"] = before
        self._changed.clear()
