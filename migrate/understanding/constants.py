"""String constants that keys of an input are written with.

constants_of   look names of one file up, there and where they are imported from
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import lru_cache

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in


def constants_of(index: RepoIndex, file: FileEntry) -> Callable[[str], str | None]:
    """Look up `NAME`, `module.NAME` and `Class.NAME`, as a file writes them.

    A name counts as a constant if its module or class sets it once, to a string, and no function
    declares it global.
    """

    @lru_cache
    def look_up(written: str) -> str | None:
        parts = written.split(".")
        found = _in_file(index, file, parts)
        if found is not None:
            return found
        target = file.imports.resolve(written) or ""
        owner, _, name = target.rpartition(".")
        home = index.module_named(owner)
        if home is not None:
            return _in_file(index, home, [name])
        entry = index.class_named(owner)
        if entry is None or entry.scope:
            return None
        return _in_file(index, index.files[entry.path], [entry.name, name])

    return look_up


def _in_file(index: RepoIndex, file: FileEntry, parts: list[str]) -> str | None:
    """The string that `NAME` or `Class.NAME` is in one file."""
    tree = index.source_of(file.path).tree
    body: Iterable[ast.stmt] = tree.body
    if len(parts) == 2:
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == parts[0]]
        if len(classes) != 1:
            return None
        body = classes[0].body
    elif len(parts) != 1:
        return None
    name = parts[-1]
    if _is_rebound(tree, name):
        return None
    values = [
        statement.value
        for statement in body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and any(isinstance(t, ast.Name) and t.id == name for t in _targets(statement))
    ]
    value = values[0] if len(values) == 1 else None
    return value.value if isinstance(value, ast.Constant) and type(value.value) is str else None


def _is_rebound(tree: ast.Module, name: str) -> bool:
    """Say whether a name may mean something else somewhere: a local, a parameter, a change."""
    bodies = [tree.body, *(n.body for n in tree.body if isinstance(n, ast.ClassDef))]
    known = {id(target) for body in bodies for each in body for target in _targets(each)}
    for node in nodes_in(tree):
        if isinstance(node, ast.Global):
            found = name in node.names
        elif isinstance(node, ast.arg):
            found = node.arg == name
        elif isinstance(node, ast.Name | ast.Attribute):
            called = node.id if isinstance(node, ast.Name) else node.attr
            found = called == name and not isinstance(node.ctx, ast.Load) and id(node) not in known
        else:
            continue
        if found:
            return True
    return False


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []
