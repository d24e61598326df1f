"""`import gym` where only gymnasium is installed.

GymFinder   finds `gym` and its modules, after the import system has found none
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

FACE = "rlmigrate.compat.names.gym_face"


class _GymModule(ModuleType):
    """A module of gym that shows the attributes of a module of gymnasium."""

    _target: ModuleType

    def __getattr__(self, name: str) -> object:
        return getattr(self._target, name)


class _GymLoader(Loader):
    def __init__(self, target: str) -> None:
        self._target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = _GymModule(spec.name)
        module._target = importlib.import_module(self._target)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Show the target's names, so that `from gym.spaces import *` finds them."""
        target = vars(module)["_target"]
        shown = {name: value for name, value in vars(target).items() if name[:1] != "_"}
        module.__dict__.update(shown)


class GymFinder(MetaPathFinder):
    """Stands last on the meta path: an installed gym is never hidden."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of gym under its name in gymnasium."""
        if fullname != "gym" and not fullname.startswith("gym."):
            return None
        if fullname in ("gym", "gym.core"):
            return ModuleSpec(fullname, _GymLoader(FACE), is_package=True)
        home = "gymnasium" + fullname[len("gym") :]
        try:
            importlib.import_module(home)
        except ImportError:
            return None
        return ModuleSpec(fullname, _GymLoader(home), is_package=True)

    def leave(self) -> None:
        """Go from the meta path, with the modules that were made."""
        sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if isinstance(module, _GymModule):
                del sys.modules[name]
