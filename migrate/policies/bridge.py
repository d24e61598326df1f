"""An old policy class on rlmigrate.legacy, and the RLModule made of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from rlmigrate.eras import builtin
from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.moves import imports_inside, removals
from rlmigrate.migrate.emit.wrapping import wrapping_edit
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.vocabulary import HARMLESS

CODE = "RLM201"


def emit_policy_bridge(
    source: SourceFile,
    file: FileEntry,
    node: ast.ClassDef,
    *,
    reason: str,
    ray_free: bool = False,
    renamed: Mapping[str, tuple[str, str]],
) -> tuple[tuple[Edit, ...], Imports]:
    """Rename the class, move the imports that only it uses, and make the module under its name.

    `renamed` are local names of bridged models: local name to (module, legacy name), the module
    empty where the class stands in the same file. `ray_free` moves what means the same on both
    stacks, too.
    """
    legacy = f"Legacy{node.name}"
    head = re.compile(r"class\s+").match(source.text, source.offset(node.lineno, node.col_offset))
    assert head is not None
    edits = [Edit(Span(head.end(), head.end() + len(node.name)), legacy, CODE)]
    edits += [
        Edit(source.span(inner), legacy, CODE)
        for inner in nodes_in(node)
        if isinstance(inner, ast.Name) and inner.id == node.name
    ]
    moved = {
        local: home
        for local, target in imports_inside(source, file, [node]).items()
        if (home := builtin(target)) is not None and (ray_free or not target.startswith(HARMLESS))
    }
    wanted = {("rlmigrate", "wrap_policy")}
    for inner in nodes_in(node):
        if isinstance(inner, ast.Name) and inner.id in renamed:
            home, name = renamed[inner.id]
            edits.append(Edit(source.span(inner), name, CODE))
            wanted |= {(home, name)} if home else set()
    for statement in source.tree.body:
        if not isinstance(statement, ast.ImportFrom):
            continue
        locals_ = [alias.asname or alias.name for alias in statement.names]
        if all(local in moved for local in locals_):
            text = _import_lines({local: moved.pop(local) for local in locals_})
            edits.append(Edit(source.span(statement), text, CODE))
    edits += removals(source, set(moved))
    for local, home in moved.items():
        module, _, name = home.rpartition(".")
        wanted.add((module, name if name == local else f"{name} as {local}"))

    comment = f"On the old policy, because it {reason}."
    edits.append(wrapping_edit(source, node, code=CODE, maker="wrap_policy", comment=comment))
    return tuple(edits), Imports(frozenset(wanted))


def _import_lines(homes: Mapping[str, str]) -> str:
    """One statement a module, for local names and where they live now."""
    names: dict[str, list[str]] = {}
    for local, home in homes.items():
        module, _, name = home.rpartition(".")
        names.setdefault(module, []).append(name if name == local else f"{name} as {local}")
    return "\n".join(
        f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)
    )
