"""Installing old names, and taking them away again.

ray_names   the context manager
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Literal

from rlmigrate.compat.names.dropped_names import dropped_names
from rlmigrate.compat.names.gym_finder import GymFinder
from rlmigrate.compat.names.modules import NamesModule, RealFinder, VirtualFinder
from rlmigrate.compat.names.resolver import Resolver
from rlmigrate.errors import UsageError


@contextmanager
def ray_names(*, era: str | None = None, ray: Literal["auto", False] = "auto") -> Iterator[None]:
    """Let the import paths of old RLlib code resolve while the context lasts.

    With Ray installed only what it lacks is added; `ray=False`, or no Ray, serves every name from
    `rlmigrate.legacy` and `rlmigrate.new_stack`. Without `era` the names and constructor forms of
    all releases are accepted; with one, such as "2.4", exactly that release's. `gym` and what numpy
    and Python have dropped (`np.product`, `collections.Iterable`) are there too. Contexts nest, and
    leaving one restores `sys.modules` and `sys.meta_path`. They belong to the process: another
    thread that imports meanwhile sees the same names.

    Raises UsageError on an era that is no release, UnknownInRay (an ImportError) on importing a
    name that RLlib had and nothing here implements.

    >>> with ray_names(ray=False):
    ...     from ray.rllib.models import ModelCatalog
    >>> ModelCatalog.__module__.split(".")[:2]
    ['rlmigrate', 'legacy']
    """
    if era is not None and not re.fullmatch(r"\d+\.\d+(\.\d+)?", era):
        raise UsageError(f"era: expected a release such as '2.4', got {era!r}")
    if ray not in ("auto", False):
        raise UsageError(f"ray: expected 'auto' or False, got {ray!r}")
    from rlmigrate.new_stack.era import speaking

    real = ray == "auto" and _ray_is_installed()
    installed = _Real(era) if real else _Virtual(era)
    with speaking(era), dropped_names():
        installed.enter()
        try:
            yield
        finally:
            installed.leave()


def _ray_is_installed() -> bool:
    loaded = sys.modules.get("ray")
    if loaded is not None:
        return not isinstance(loaded, NamesModule)
    try:
        return importlib.util.find_spec("ray") is not None
    except (ImportError, ValueError):
        return False


def _is_ray(name: str) -> bool:
    return name == "ray" or name.startswith("ray.")


class _Virtual:
    """Serves every name of Ray, whatever is installed."""

    def __init__(self, era: str | None) -> None:
        self._finder = VirtualFinder(Resolver(era=era, real=False))
        self._gym = GymFinder()
        self._saved: dict[str, ModuleType] = {}

    def enter(self) -> None:
        self._saved = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_ray(name)}
        sys.meta_path.insert(0, self._finder)
        sys.meta_path.append(self._gym)

    def leave(self) -> None:
        sys.meta_path.remove(self._finder)
        self._gym.leave()
        for name in [name for name in sys.modules if _is_ray(name)]:
            del sys.modules[name]
        sys.modules.update(self._saved)


class _Real:
    """Adds to the installed Ray the names that it lacks."""

    def __init__(self, era: str | None) -> None:
        resolver = Resolver(era=era, real=True)
        self._real = RealFinder(resolver)
        self._virtual = VirtualFinder(resolver)
        self._gym = GymFinder()
        self._before: set[str] = set()

    def enter(self) -> None:
        self._before = {name for name in sys.modules if _is_ray(name)}
        self._real.attach_loaded()
        sys.meta_path.insert(0, self._real)
        sys.meta_path.append(self._virtual)
        sys.meta_path.append(self._gym)

    def leave(self) -> None:
        sys.meta_path.remove(self._real)
        sys.meta_path.remove(self._virtual)
        self._gym.leave()
        self._real.detach()
        for name, module in list(sys.modules.items()):
            if _is_ray(name) and isinstance(module, NamesModule) and name not in self._before:
                del sys.modules[name]
                home, _, last = name.rpartition(".")
                parent = sys.modules.get(home)
                if parent is not None and parent.__dict__.get(last) is module:
                    del parent.__dict__[last]
