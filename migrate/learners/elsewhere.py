"""Functions of the repository that policies of other files learn by.

function_behind   the function that a file imports under a name
Lent              a postprocessing that policies of other files use
lent_by           those of a file
connector_name    what its connector is called
bring             the names of another file that a moved method uses
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.builders import builder_calls
from rlmigrate.migrate.policies.old_imports import bound_names
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

HOOK = "postprocess_fn"


@dataclass(frozen=True)
class Lent:
    """One function, and the policies that use it: their names, files and bases."""

    function: ast.FunctionDef
    policies: tuple[tuple[str, Path, str], ...]


def function_behind(
    index: RepoIndex, file: FileEntry, node: ast.expr
) -> tuple[FileEntry, ast.FunctionDef] | None:
    """Find a function of another file, through files that only hand it on."""
    target = file.imports.resolve(dotted(node) or "") or ""
    for _ in range(5):  # no chain of imports is longer
        module, _, name = target.rpartition(".")
        there = index.module_named(module) if module and not target.startswith("ray.") else None
        if there is None:
            return None
        source = index.source_of(there.path)
        for each in source.tree.body:
            if isinstance(each, ast.FunctionDef) and each.name == name:
                return there, each
        target = there.imports.resolve(name) or ""
    return None


def lent_by(index: RepoIndex, path: Path) -> tuple[Lent, ...]:
    """List the functions of a file that other files' policies change their samples by."""
    users = _lent(index.origin).get(path)
    if not users:
        return ()
    body = index.source_of(path).tree.body
    functions = {each.name: each for each in body if isinstance(each, ast.FunctionDef)}
    return tuple(Lent(functions[name], tuple(users[name])) for name in users if name in functions)


@lru_cache(maxsize=8)
def _lent(index: RepoIndex) -> Mapping[Path, Mapping[str, list[tuple[str, Path, str]]]]:
    users: dict[Path, dict[str, list[tuple[str, Path, str]]]] = {}
    for file in index.files.values():
        try:
            source = index.source_of(file.path)
        except SourceError:  # reported where it is looked at itself
            continue
        if HOOK.encode() not in source.raw:
            continue
        for call in builder_calls(source, file):
            given = call.own.get(HOOK)
            found = function_behind(index, file, given) if given is not None else None
            if found is not None and found[0].path != file.path and call.framework == "torch":
                who = users.setdefault(found[0].path, {}).setdefault(found[1].name, [])
                who.append((call.name, file.path, call.base))
    return users


def connector_name(function: ast.FunctionDef) -> str:
    """Name the connector of a function.

    >>> connector_name(ast.parse("def central_postprocessing(): pass").body[0])
    'CentralPostprocessing'
    """
    return "".join(part.capitalize() for part in function.name.split("_"))


def bring(
    method: str,
    names: Names,
    to: tuple[SourceFile, FileEntry],
    home: tuple[SourceFile, FileEntry],
) -> list[str]:
    """Import what a method that comes from another file uses there; returns what cannot be."""
    (source, file), (before, there) = to, home
    nodes = list(nodes_in(ast.parse(f"class _:\n{method}")))
    known = {name for _, name in names.wanted} | names.layers
    known |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    known |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    bound, defined = bound_names(source), _top_level(before)
    problems = []
    for name in sorted({n.id for n in nodes if isinstance(n, ast.Name)} - known):
        own = f"{there.module}.{name}" if name in defined else ""
        target = there.imports.names.get(name, own)
        if not target or file.imports.names.get(name) == target:
            continue
        module, _, last = target.rpartition(".")
        if name in bound or last != name:
            problems.append(f"{name} is {target} in {there.module}, where its code comes from")
        else:
            names.want(module or name, name if module else "")
    return problems


def _top_level(source: SourceFile) -> set[str]:
    """What a file defines for others to import."""
    body = source.tree.body
    found = {each.name for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    targets = [t for each in body if isinstance(each, ast.Assign) for t in each.targets]
    return found | {n.id for t in targets for n in nodes_in(t) if isinstance(n, ast.Name)}
