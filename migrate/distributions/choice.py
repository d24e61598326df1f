"""Which action distributions of a repository are written anew.

native_distributions   those that can be, and that nothing needs as they were
StudiedDistribution    one class of a file
studied_distributions  those of a file
native_nodes           the classes of a file that are written
written_alone          how one is written, whoever needs it
distribution_layers    the layers that those of a file need
stands_alone           whether nothing but configs needs a class that can be written
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.distributions.chosen import (
    choosers,
    is_registered_by,
    names_its_distribution,
)
from rlmigrate.migrate.distributions.native import Written, native_distribution
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import ClassEntry, FileEntry
from rlmigrate.migrate.index.imports import dotted
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

    A class that a config names goes with the model that is trained with it.
    """
    found = _writable(index)
    return frozenset(
        q for q, entry in found.items() if not _elsewhere(index, entry, found, _moves(index, q))
    )


@lru_cache(maxsize=8)
def _writable(index: RepoIndex) -> dict[str, ClassEntry]:
    """Classes that can be written, whoever needs them."""
    found = {}
    for entry in _entries(index, index.files.values()):
        node = _node(index.source_of(entry.path), entry)
        if not isinstance(_attempt(index, entry, node, frozenset()), str):
            found[entry.qualified] = entry
    return found


def written_alone(index: RepoIndex, entry: ClassEntry) -> Written | None:
    """How a class would be written, whoever needs it."""
    if entry.qualified not in _writable(index):
        return None
    done = _attempt(index, entry, _node(index.source_of(entry.path), entry), frozenset())
    return None if isinstance(done, str) else done


def distribution_layers(source: SourceFile, index: RepoIndex) -> frozenset[str]:
    """The layers that the distributions of a file need."""
    file = index.files.get(source.path)
    entries = _entries(index, [file] if file is not None else [])
    native = native_distributions(index) if entries else frozenset()
    done = [written_alone(index, each) for each in entries if each.qualified in native]
    return frozenset().union(*(each.layers for each in done if each is not None))


def stands_alone(index: RepoIndex, entry: ClassEntry) -> bool:
    """Say whether a class can be written and only registrations and configs name it."""
    return entry.qualified in _writable(index) and not _elsewhere(index, entry, (), True)


def _moves(index: RepoIndex, qualified: str) -> bool:
    """Say whether every model that is always trained with a class becomes native."""
    models = choosers(index).get(qualified, ())
    return bool(models) and all(names_its_distribution(index, model) for model in models)


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
    from rlmigrate.migrate.emit.file import layers_module

    settings = index.settings
    file = index.files[entry.path]
    module = layers_module(index, file, settings)
    names = Names(settings.target, module, taken=taken, ray_version=settings.ray_version)
    try:
        return native_distribution(index.source_of(entry.path), file, node, names)
    except NotMovable as problem:
        return problem.text


def _elsewhere(
    index: RepoIndex, entry: ClassEntry, writable: Collection[str], registered: bool
) -> str:
    """Who needs a class as it was; configs and registrations where `registered` is false."""
    for file in index.files.values():
        source = index.source_of(file.path)
        if entry.name.encode() not in source.raw:
            continue
        local = {c.name: c.qualified for c in file.classes}
        parents = source.parents
        for name in (*source.nodes(ast.Name), *source.nodes(ast.Attribute)):
            target = local.get(written := dotted(name) or "") or file.imports.resolve(written)
            found = index.class_named(target) if target else None
            if found is None or found.qualified != entry.qualified:
                continue
            if registered and is_registered_by(name, parents.get(name)):
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
                if writable and can_be_native(index, owner.qualified, writable):
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
            reason = _elsewhere(index, entry, native, False) or "is used by a class that stays"
            studied.append(StudiedDistribution(entry, node, reason))
        else:
            studied.append(StudiedDistribution(entry, node, "", done, moves))
    return tuple(studied)
