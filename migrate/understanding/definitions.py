"""Functions and classes of the repository, found by the names that a file writes.

Definition       a function or class, and the file that it stands in
definitions_of   look names up, in their file and where they are imported from
is_cached        whether a function remembers its results
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.gathering import enter_file
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex


@dataclass(frozen=True, eq=False)
class Definition:
    """A function or class at the top of a file of the repository."""

    file: FileEntry
    node: ast.FunctionDef | ast.ClassDef

    @property
    def methods(self) -> dict[str, ast.FunctionDef]:
        """The methods of a class; none of a function."""
        return {m.name: m for m in self.node.body if isinstance(m, ast.FunctionDef)}


CACHES = frozenset({"lru_cache", "cache", "cached", "cachedmethod", "cached_property", "memoize"})

Definitions = Callable[[FileEntry, str], Definition | None]


@lru_cache(maxsize=4)
def definitions_of(index: RepoIndex) -> Definitions:
    """Look `name` and `module.name` up, as a file writes them; None for what is not in sight."""
    found: dict[tuple[Path, str], Definition | None] = {}
    others: dict[str, FileEntry | None] = {}
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in index.others:
        by_name[path.name].append(path)

    def look_up(file: FileEntry, written: str) -> Definition | None:
        key = (file.path, written)
        if key not in found:
            found[key] = None  # where names go round in a circle
            found[key] = search(file, written)
        return found[key]

    def search(file: FileEntry, written: str) -> Definition | None:
        here = _in_file(index, file, written)
        if here is not None:
            return here
        owner, _, name = (file.imports.resolve(written) or "").rpartition(".")
        if not owner:
            return None
        home = index.module_named(owner) or other(owner)
        return look_up(home, name) if home is not None and home.path != file.path else None

    def other(module: str) -> FileEntry | None:
        """A file of the repository that says nothing of RLlib."""
        if module not in others:
            end = f"/{module.replace('.', '/')}.py"
            named = by_name.get(end.rpartition("/")[2], ())
            paths = [path for path in named if str(path).endswith(end)]
            entry = enter_file(paths[0], index.kept) if len(paths) == 1 else None
            others[module] = entry if isinstance(entry, FileEntry) else None
        return others[module]

    return look_up


def _in_file(index: RepoIndex, file: FileEntry, name: str) -> Definition | None:
    for node in index.source_of(file.path).tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return Definition(file, node)
    return None


def is_cached(function: ast.FunctionDef) -> bool:
    """Say whether a function is decorated to remember its results.

    >>> is_cached(ast.parse("@functools.lru_cache(maxsize=1)\\ndef f(): pass").body[0])
    True
    """
    decorators = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return any((dotted(d) or "").rpartition(".")[2] in CACHES for d in decorators)
