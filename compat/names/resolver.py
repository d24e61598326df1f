"""From a dotted name of RLlib to the object it means here.

Resolver   looks names up in the table of eras
"""

from __future__ import annotations

import importlib
import importlib.util
from copy import deepcopy
from dataclasses import replace
from typing import Any

from rlmigrate import eras
from rlmigrate.compat.names.stand_ins import UnknownInRay, stand_in
from rlmigrate.eras import history


def load(dotted: str) -> object:
    """Import the object of a dotted name: a module, or an attribute of one."""
    home, _, name = dotted.rpartition(".")
    module = importlib.import_module(home)
    try:
        found: object = getattr(module, name)
    except AttributeError:
        return importlib.import_module(dotted)
    return found


# What `import *` of an execution module brought along: what that module itself had imported.
_EXECUTION = "ray.rllib.execution."
# Names for annotations; every module of RLlib imports some.
_TYPING = "ray.rllib.utils.typing"
_ALONG: dict[str, str | None] = {
    **dict.fromkeys(("collections", "logging", "os", "platform", "random", "time")),
    "np": "numpy",
    **dict.fromkeys(("Any", "Callable", "Dict", "List", "Optional", "Tuple", "Union"), "typing"),
}


class Resolver:
    """Finds the object for a name; `real` says whether Ray's own objects come first."""

    def __init__(self, *, era: str | None, real: bool) -> None:
        self.era = era
        self.real = real

    def has_module(self, module: str) -> bool:
        """Tell whether RLlib had a module of this name, in the era asked for.

        Beside an installed Ray only modules of which something is implemented count: a stand-in
        would hide from `try: ... except ImportError:` that the module is gone.
        """
        if module not in eras.modules():
            span = None if self.real else history.modules().get(module)
            return span is not None and self._lived(eras.Row(module, "module", *_span(*span)))
        row = eras.resolve(module)
        return self.era is None or row is None or row.kind != "module" or row.lived_in(self.era)

    def attribute(self, module: str, name: str) -> object:
        """Return what `name` means in `module`; raises AttributeError or UnknownInRay."""
        dotted = f"{module}.{name}"
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if self.has_module(dotted):
            return importlib.import_module(dotted)
        row = eras.resolve(dotted)
        if row is None:
            was = history.bound(module, name)
            if was is not None:
                return self._was(dotted, was)
            if name in _ALONG and module.startswith(_EXECUTION):
                home = _ALONG[name]
                found = importlib.import_module(home or name)
                return getattr(found, name) if home == "typing" else found
            if module == _TYPING or eras.resolve(f"{_TYPING}.{name}") is not None:
                return Any
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        self._check_era(row)
        return self._object(row)

    def _lived(self, row: eras.Row) -> bool:
        return self.era is None or row.lived_in(self.era)

    def _check_era(self, row: eras.Row) -> None:
        if not self._lived(row):
            raise UnknownInRay(
                f"{row.name} is no name of Ray {self.era}: {_lifetime(row)}; "
                "leave the era out to accept the names of all releases"
            )

    def _object(self, row: eras.Row) -> object:
        if self.real and row.now is not None and row.now != row.name:
            try:
                return _as_written(row, load(row.now))
            except ImportError:
                pass
        ours = eras.builtin(row.name)
        if ours is not None:
            return _as_written(row, load(ours))
        was = history.bound(*_split(row.name)) if row.kind == "name" or not self.real else None
        return _missing(row) if was is None else self._was(row.name, was, row)

    def _was(self, dotted: str, was: history.Bound, row: eras.Row | None = None) -> object:
        """Give what an old module bound: a constant's value, what it had imported, a stand-in."""
        since, until = _span(was.since, was.until)
        now = dotted if until is None else None
        row = row or eras.Row(dotted, was.kind, since, until, now=now)
        self._check_era(row)
        if was.kind == "constant":
            return dotted if was.value == history.SENTENCE else deepcopy(was.value)
        if was.kind == "import":
            return self._imported(row, was.target)
        return _missing(replace(row, kind=was.kind))

    def _imported(self, row: eras.Row, target: str) -> object:
        """Follow an import to where the name came from, over as many modules as it takes."""
        seen = {row.name}
        while target not in seen:
            seen.add(target)
            if self.has_module(target):
                return importlib.import_module(target)
            there = eras.resolve(target)
            if there is not None and eras.builtin(target) is not None:
                return self._object(there)
            if there is not None and there.kind in ("class", "function"):
                return _missing(replace(row, kind=there.kind))
            was = history.bound(*_split(target))
            if was is None:
                break
            if was.kind != "import":
                return self._was(target, was, row)
            target = was.target
        return _missing(row)  # from an extension of Ray that is not Python

    def exported(self, module: str) -> list[str]:
        """Name what `from module import *` can give."""
        start = module + "."
        along = [*_ALONG] if module.startswith(_EXECUTION) else []
        own = [name for name in history.names(module) if name[:1] != "_"] if not self.real else []
        return [*along, *own] + [
            row.name.rpartition(".")[2]
            for row in eras.names().values()
            if row.name.startswith(start)
            and "." not in row.name[len(start) :]
            and row.kind not in ("module", "argument", "method")
            and (eras.builtin(row.name) or _stands_in(row))
            and (self.era is None or row.lived_in(self.era))
        ]


def _as_written(row: eras.Row, found: object) -> object:
    """Give what the old name held: a dict where DEFAULT_CONFIG has become a config class."""
    if row.name.endswith("DEFAULT_CONFIG") and isinstance(found, type):
        return found().to_dict()  # type: ignore[attr-defined]
    return found


def _stands_in(row: eras.Row) -> bool:
    name = row.name.rpartition(".")[2]
    return row.kind in ("class", "function") or (name[:1].isupper() and not name.isupper())


def _missing(row: eras.Row) -> object:
    return stand_in(row, f"{row.name} is not implemented here: {_lifetime(row)}; {_hint(row)}")


def _split(dotted: str) -> tuple[str, str]:
    home, _, name = dotted.rpartition(".")
    return home, name


def _span(since: str, until: str) -> tuple[str, str | None]:
    return since, None if until == eras.NEWEST else until


def _lifetime(row: eras.Row) -> str:
    if row.since is None:
        return "no sampled release has it"
    if row.until is None:
        return f"it is in Ray {row.since} and later"
    return f"it lived in Ray {row.since} to {row.until}"


def _hint(row: eras.Row) -> str:
    if row.now is not None and importlib.util.find_spec("ray") is None:
        return f"install ray[rllib], where it is {row.now}"
    if row.now is not None and row.now != row.name:
        return f"today it is {row.now}; `rlmigrate rewrite` changes the import"
    if row.now is not None:
        return "run without --no-ray, it is Ray's own"
    return "it has no successor; run `rlmigrate scan` on the file for what replaces it"
