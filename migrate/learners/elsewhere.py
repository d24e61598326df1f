"""Functions of the repository that policies of other files learn by.

function_behind   the function that a file imports under a name
Lent              a postprocessing that policies of other files use
lent_by           those of a file
connector_name    what its connector is called
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.builders import builder_calls

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
    return tuple(_lent(index).get(path, ()))


@lru_cache(maxsize=8)
def _lent(index: RepoIndex) -> Mapping[Path, list[Lent]]:
    users: dict[Path, dict[ast.FunctionDef, list[tuple[str, Path, str]]]] = {}
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
                who = users.setdefault(found[0].path, {}).setdefault(found[1], [])
                who.append((call.name, file.path, call.base))
    return {
        path: [Lent(function, tuple(who)) for function, who in functions.items()]
        for path, functions in users.items()
    }


def connector_name(function: ast.FunctionDef) -> str:
    """Name the connector of a function.

    >>> connector_name(ast.parse("def central_postprocessing(): pass").body[0])
    'CentralPostprocessing'
    """
    return "".join(part.capitalize() for part in function.name.split("_"))
