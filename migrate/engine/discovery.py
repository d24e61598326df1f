"""Files that a run looks at.

Found      the files, and those that cannot be reached
discover   walk the paths of a command line
"""

from __future__ import annotations

import errno
import fnmatch
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rlmigrate.errors import UsageError

#: Folders that hold what tools made, not what people wrote.
SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "__pypackages__"}
    | {".tox", ".nox", ".eggs", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints"}
    | {"site-packages"}
)
PYTHON = (".py", ".pyw")
DOCUMENTS = (".ipynb", ".yaml", ".yml")
#: Files that are not changed, and may hold keys of configs all the same.
DATA = (".json", ".toml", ".cfg", ".ini", ".gin")


@dataclass(frozen=True)
class Found:
    """Python files and other inputs, sorted; `errors` are paths that cannot be reached.

    `data` are files that are only looked at.
    """

    python: tuple[Path, ...]
    documents: tuple[Path, ...]
    pins: tuple[Path, ...]
    errors: tuple[tuple[Path, str], ...]
    data: tuple[Path, ...] = ()


def discover(paths: Iterable[Path], *, exclude: tuple[str, ...] = ()) -> Found:
    """Find the inputs below `paths`; raises UsageError where a path does not exist.

    Links to folders are not followed, so a loop of links ends. A file named outright is taken
    whatever its name.
    """
    walk = _Walk(exclude)
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"{path}: no such file or folder")
        if path.is_dir():
            walk.folder(path)
        else:
            walk.file(path, named=True)
    return Found(
        tuple(sorted(set(walk.python))),
        tuple(sorted(set(walk.documents))),
        tuple(sorted(set(walk.pins))),
        tuple(sorted(walk.errors)),
        tuple(sorted(walk.data)),
    )


class _Walk:
    def __init__(self, exclude: tuple[str, ...]) -> None:
        self.exclude = exclude
        self.python: list[Path] = []
        self.documents: list[Path] = []
        self.pins: list[Path] = []
        self.errors: list[tuple[Path, str]] = []
        self.data: list[Path] = []

    def folder(self, top: Path) -> None:
        stack = [top]
        while stack:
            folder = stack.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                self.errors.append((folder, f"cannot be read: {error.strerror}"))
                continue
            for entry in entries:
                path = folder / entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not self._skips(path):
                        stack.append(path)
                elif not (entry.is_symlink() and _is_folder(path)):
                    self.file(path, named=False)

    def file(self, path: Path, *, named: bool) -> None:
        if not named and self._excluded(path):
            return
        suffix = path.suffix.lower()
        wanted = named or suffix in PYTHON + DOCUMENTS or is_pin_file(path)
        if path.is_symlink():
            if path.name.startswith(".#"):  # an editor's lock
                return
            reason = _broken(path)
            if reason is not None:
                if suffix in PYTHON or named or "links" in reason:
                    self.errors.append((path, reason))
                return
        if not wanted:
            if suffix in DATA:
                self.data.append(path)
            return
        if is_pin_file(path):
            self.pins.append(path)
        if suffix in DOCUMENTS:
            if not is_pin_file(path):
                self.documents.append(path)
        elif not is_pin_file(path) or suffix in PYTHON:
            self.python.append(path)

    def _skips(self, path: Path) -> bool:
        return (
            path.name in SKIPPED
            or path.name.endswith(".egg-info")
            or self._excluded(path)
            or (path / "pyvenv.cfg").exists()
        )

    def _excluded(self, path: Path) -> bool:
        text = path.as_posix()
        return any(
            fnmatch.fnmatch(text, glob)
            or fnmatch.fnmatch(path.name, glob)
            or fnmatch.fnmatch(text, f"*/{glob}")
            for glob in self.exclude
        )


def is_pin_file(path: Path) -> bool:
    """Tell whether a file pins the versions of packages.

    >>> is_pin_file(Path("requirements-dev.txt"))
    True
    """
    name = path.name.lower()
    if name in ("pyproject.toml", "setup.cfg", "setup.py", "pipfile"):
        return True
    if name.endswith((".yml", ".yaml")):
        return name.startswith(("environment", "conda"))
    if name.startswith("dockerfile") or name.endswith(".dockerfile"):
        return path.suffix.lower() not in PYTHON
    return name.endswith((".txt", ".in")) and ("requirements" in name or "constraints" in name)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _broken(path: Path) -> str | None:
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "cannot be read: a loop of links"
        return f"cannot be read: {error.strerror}"
    return None
