"""Names of Ray that a file imports or reads and that a release lacks.

Gone          one import statement, or one dotted use, and the names that are gone with it
gone_imports  those of a file
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlmigrate.eras.surface import exists
from rlmigrate.migrate.index import ImportTable
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.source import SourceFile

Place = ast.Import | ast.ImportFrom | ast.Attribute


@dataclass(frozen=True)
class Gone:
    """A place, and `local name -> dotted name` of what it asks Ray for in vain.

    `guarded` says that the place stands in a `try` that catches the ImportError.
    """

    node: Place
    names: dict[str, str]
    guarded: bool = False


def gone_imports(source: SourceFile, table: ImportTable, release: str) -> Iterator[Gone]:
    """Yield the statements and the dotted uses of a file that a release cannot serve."""
    for node in source.nodes(ast.ImportFrom):
        if not node.level and _of_ray(node.module or ""):
            home = node.module or ""
            wanted = {
                alias.asname or alias.name: home if alias.name == "*" else f"{home}.{alias.name}"
                for alias in node.names
            }
            yield from _missing(source, node, wanted, release)
    for plain in source.nodes(ast.Import):
        wanted = {a.asname or a.name: a.name for a in plain.names if _of_ray(a.name)}
        yield from _missing(source, plain, wanted, release)
    yield from _uses(source, table, release)


def _missing(
    source: SourceFile, node: ast.Import | ast.ImportFrom, wanted: dict[str, str], release: str
) -> Iterator[Gone]:
    names = {local: name for local, name in wanted.items() if not exists(name, release)}
    if names:
        yield Gone(node, names, _guarded(source, node))


def _uses(source: SourceFile, table: ImportTable, release: str) -> Iterator[Gone]:
    """Yield `tune.gone` and `ray.tune.gone`, whose import is fine: the longest chains, once."""
    # A head that is gone itself is reported where it is imported.
    heads = {local: name for local, name in table.of_ray.items() if exists(name, release)}
    for head in source.names.of(heads):
        node: ast.expr = head
        while isinstance(around := source.parents[node], ast.Attribute):
            node = around
        written = dotted(node) or ""
        name = table.resolve(written)
        if isinstance(node, ast.Attribute) and name is not None and not exists(name, release):
            yield Gone(node, {written: name}, _guarded(source, node))


def _of_ray(name: str) -> bool:
    return name == "ray" or name.startswith("ray.")


def _guarded(source: SourceFile, node: ast.AST) -> bool:
    child = node
    while child in source.parents:
        parent = source.parents[child]
        if isinstance(parent, ast.Try) and child in parent.body:
            caught = [name for handler in parent.handlers for name in _caught(handler.type)]
            return bool({"ImportError", "ModuleNotFoundError", "Exception", ""} & set(caught))
        child = parent
    return False


def _caught(node: ast.expr | None) -> Iterable[str]:
    if node is None:
        return [""]
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [(dotted(part) or "?").rpartition(".")[2] for part in parts]
