"""Which action distributions of a repository are written anew.

native_distributions   those that can be, and that nothing needs as they were
StudiedDistribution    one class of a file
studied_distributions  those of a file
native_nodes           the classes of a file that are written
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.distributions.native import Written, native_distribution
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import ClassEntry, FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.study import can_be_native, shared_imports
from rlmigrate.migrate.source import SourceFile


@dataclass(frozen=True)
class StudiedDistribution:
    """One class; `written` is None where it stays, with the reason."""

    entry: ClassEntry
    node: ast.ClassDef
    reason: str = ""
    written: Written | None = None
    moves: tuple[Edit, ...] = ()


@lru_cache(maxsize=8)
def native_distributions(index: RepoIndex) -> frozenset[str]:
    """Qualified names of the classes that can be written and that nobody needs as they were.

    A class that a config names goes with the model that is trained with it, which is bridged.
    """
    found = {}
    for entry in _entries(index, index.files.values()):
        node = _node(index.source_of(entry.path), entry)
        if not isinstance(_attempt(index, entry, node, frozenset()), str):
            found[entry.qualified] = entry
    return frozenset(q for q, entry in found.items() if not _elsewhere(index, entry, set(found)))


def _entries(index: RepoIndex, files: Iterable[FileEntry]) -> list[ClassEntry]:
    return [
        entry
        for file in files
        for entry in file.classes
        if index.legacy_kind(entry.qualified) == "distribution"
        and index.framework(entry.qualified) == "torch"
    ]


def _node(source: SourceFile, entry: ClassEntry) -> ast.ClassDef:
    for node in source.nodes(ast.ClassDef):
        if node.lineno == entry.line:
            return node
    raise LookupError(f"{entry.path}:{entry.line}: class {entry.name} is not there any more")


def _attempt(
    index: RepoIndex, entry: ClassEntry, node: ast.ClassDef, taken: frozenset[str]
) -> Written | str:
    settings = index.settings
    names = Names(settings.target, "", taken=taken, ray_version=settings.ray_version)
    file = index.files[entry.path]
    try:
        return native_distribution(index.source_of(entry.path), file, node, names)
    except NotMovable as problem:
        return problem.text


def _elsewhere(index: RepoIndex, entry: ClassEntry, writable: set[str]) -> str:
    """Who needs a class as it was, besides policies: those say so themselves."""
    for file in index.files.values():
        source = index.source_of(file.path)
        if entry.name.encode() not in source.raw:
            continue
        local = {c.name: c.qualified for c in file.classes}
        parents = source.parents
        for name in source.nodes(ast.Name):
            target = local.get(name.id) or file.imports.names.get(name.id)
            found = index.class_named(target) if target else None
            if found is None or found.qualified != entry.qualified:
                continue
            holder: ast.AST | None = name
            while holder is not None and not isinstance(holder, ast.ClassDef):
                holder = parents.get(holder)
            if holder is None:
                return f"is used outside of classes in {file.path.name}"
            owner = next((c for c in file.classes if c.line == holder.lineno), None)
            kind = index.legacy_kind(owner.qualified) if owner else None
            if owner is not None and owner.qualified in writable:
                continue
            if kind == "policy" and owner is not None:
                if can_be_native(index, owner.qualified, writable):
                    continue
                return f"is used by {holder.name}, which stays a policy"
            return f"is used by {holder.name}"
    return ""


def native_nodes(source: SourceFile, index: RepoIndex) -> list[ast.ClassDef]:
    """The classes of a file that are written anew."""
    native = native_distributions(index)
    entries = index.files[source.path].classes if native else ()
    return [_node(source, entry) for entry in entries if entry.qualified in native]


@lru_cache(maxsize=8)
def studied_distributions(source: SourceFile, index: RepoIndex) -> tuple[StudiedDistribution, ...]:
    """Every distribution class of a file, written where it can be."""
    file = index.files.get(source.path)
    entries = _entries(index, [file] if file is not None else [])
    if not entries:
        return ()
    native = native_distributions(index)
    moves, taken = shared_imports(source, index) if native else ((), frozenset())
    studied = []
    for entry in entries:
        node = _node(source, entry)
        done = _attempt(index, entry, node, taken)
        if isinstance(done, str):
            studied.append(StudiedDistribution(entry, node, done))
        elif entry.qualified not in native:
            reason = _elsewhere(index, entry, set(native)) or "is used by a class that stays"
            studied.append(StudiedDistribution(entry, node, reason))
        else:
            studied.append(StudiedDistribution(entry, node, "", done, moves))
    return tuple(studied)
