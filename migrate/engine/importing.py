"""Imports added and cleaned, once a file's other edits are made.

import_edits   edits that add what is wanted and drop what became unused
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.engine.import_place import place_for, render_import
from rlmigrate.migrate.engine.surroundings import Surroundings
from rlmigrate.migrate.index.imports import absolute, shadowed
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM000"
Statement = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class Names:
    """Names that a file uses, and those that it offers to others."""

    used: frozenset[str]
    offered: frozenset[str]

    @classmethod
    def of(cls, source: SourceFile) -> Names:
        """Collect loaded names, words of string annotations, and `__all__`."""
        names = source.nodes(ast.Name)
        used = {name.id for name in names if not isinstance(name.ctx, ast.Store)}
        offers = any(name.id == "__all__" and isinstance(name.ctx, ast.Store) for name in names)
        notes: list[ast.expr | None] = [arg.annotation for arg in source.nodes(ast.arg)]
        notes += [assigned.annotation for assigned in source.nodes(ast.AnnAssign)]
        notes += [f.returns for f in source.nodes(ast.FunctionDef)]
        notes += [f.returns for f in source.nodes(ast.AsyncFunctionDef)]
        for note in notes:
            if note is not None:
                used |= _words_of(note)
        return cls(frozenset(used), frozenset(_strings(source.tree) if offers else ()))


def import_edits(
    source: SourceFile,
    imports: Imports,
    *,
    before: SourceFile,
    surroundings: Surroundings,
) -> list[Edit]:
    """Return the edits that give `source` the imports its new text needs.

    An import goes where its name is no longer used and either was used in `before` or is listed
    as unneeded; one that nobody used before stays, since it may be there for other files, and so
    does one that another file imports from here. Wanted names that the new text does not use
    after all are not imported.
    """
    now, then = Names.of(source), Names.of(before)
    vain = shadowed(source)
    wanted = {each for each in imports.wanted if _bound(*each) in now.used | now.offered}
    adding = _Adding(source, wanted, surroundings)
    edits: list[Edit] = []
    for node, only in _statements(source):
        kept = []
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            target = _target(node, alias, surroundings)
            dead = name not in now.used and name not in now.offered and name != "*"
            dead = dead and getattr(node, "module", "") != "__future__"
            needless = name in then.used or target in imports.unneeded
            if name in vain and target.startswith("ray."):
                dead = needless = True  # the file has a class of that name, which all of it means
            if not (dead and needless) or surroundings.gives(name):
                kept.append(alias)
        joined = adding.join(node)
        if len(kept) == len(node.names) and not joined:
            continue
        if kept or joined:
            edits.append(_rewritten(source, node, kept, joined))
        else:
            edits.append(_removed(source, node, only=only))
    return edits + adding.rest()


def _bound(module: str, name: str) -> str:
    """Give the local name of a wanted import.

    >>> _bound("a.b", "c as d"), _bound("a.b", ""), _bound("tensorflow as tf", "")
    ('d', 'a', 'tf')
    """
    if name:
        return name.rpartition(" as ")[2]
    return module.rpartition(" as ")[2].split(".")[0]


class _Adding:
    """Wanted imports: those that join a statement, and those that need a line of their own."""

    def __init__(
        self, source: SourceFile, wanted: Iterable[tuple[str, str]], surroundings: Surroundings
    ) -> None:
        self.source = source
        self.surroundings = surroundings
        self.froms = [node for node in source.tree.body if isinstance(node, ast.ImportFrom)]
        present = {
            (self._module(node), alias.name)
            for node in self.froms
            for alias in node.names
            if alias.asname is None
        } | {
            (alias.name, "")
            for node in source.tree.body
            if isinstance(node, ast.Import)
            for alias in node.names
            if alias.asname is None
        }
        stars = [module for module, name in present if name == "*"]
        self.missing: dict[str, set[str]] = {}
        for module, name in wanted:
            starred = any(
                module == star and surroundings.star_brings(module, name) for star in stars
            )
            if (module, name) not in present and not starred:
                self.missing.setdefault(module, set()).add(name)

    def _module(self, node: ast.ImportFrom) -> str:
        around = self.surroundings
        return absolute(node, module=around.module, is_package=around.is_package)

    def join(self, node: Statement) -> list[str]:
        """Names that this statement takes up."""
        if not isinstance(node, ast.ImportFrom) or node not in self.froms:
            return []
        module = self._module(node)
        if module not in self.missing or node.names[0].name == "*":
            return []
        names = sorted(name for name in self.missing[module] if name)
        self.missing[module] -= set(names)
        return names

    def rest(self) -> list[Edit]:
        """Statements of their own for what no statement took up."""
        placed: list[tuple[int, str]] = []
        for module, names in sorted(self.missing.items()):
            said = self._said(module)
            some = sorted(name for name in names if name)
            lines = [render_import(said, some, width=self.source.width)] if some else []
            if "" in names:
                lines.insert(0, f"import {module}")
            roots = self.surroundings.roots
            placed += [place_for(self.source, line, said, roots) for line in lines]
        return [Edit(Span(at, at), text, CODE) for at, text in _joined(placed)]

    def _said(self, module: str) -> str:
        """A neighbour's name as the file names its neighbours: `.name` if it does so."""
        if not self.surroundings.is_neighbour(module):
            return module
        root = module.split(".")[0]
        relative = any(node.level for node in self.froms)
        full = any(not n.level and (n.module or "").split(".")[0] == root for n in self.froms)
        return f".{module.rpartition('.')[2]}" if relative and not full else module


def _joined(placed: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Set neighbours apart from what was there, not from each other.

    >>> list(_joined([(0, "import a\\n\\n"), (0, "import b\\n\\n")]))
    [(0, 'import a\\n'), (0, 'import b\\n\\n')]
    """
    for i, (at, text) in enumerate(placed):
        if i and placed[i - 1][0] == at and placed[i - 1][1].startswith("\n"):
            text = text.removeprefix("\n")
        if placed[i + 1 : i + 2] and placed[i + 1][0] == at and text.endswith("\n\n"):
            text = text[:-1]
        yield at, text


def _statements(source: SourceFile) -> Iterator[tuple[Statement, bool]]:
    """Import statements, those of the module first, each with whether it is alone in its block."""
    found: list[Statement] = [*source.nodes(ast.Import), *source.nodes(ast.ImportFrom)]
    inner = {node: not isinstance(source.parents[node], ast.Module) for node in found}
    for node in sorted(found, key=lambda node: (inner[node], node.lineno, node.col_offset)):
        block = source.block_of(node)
        yield node, len(block) == 1 and inner[node]


def _target(node: Statement, alias: ast.alias, around: Surroundings) -> str:
    if isinstance(node, ast.Import):
        return alias.name
    return f"{absolute(node, module=around.module, is_package=around.is_package)}.{alias.name}"


def _rewritten(
    source: SourceFile, node: Statement, kept: list[ast.alias], joined: list[str]
) -> Edit:
    """Write the statement anew, in its own shape: sorted if it was, one name a line if it was."""
    span = source.span(node)
    text = source.text[span.start : span.end]
    written = [_written(alias) for alias in node.names]
    names = [_written(alias) for alias in kept]
    for name in joined:
        names = _insert(names, name, in_order=written)
    indent = " " * node.col_offset
    if isinstance(node, ast.Import):
        return Edit(span, "import " + ", ".join(names), CODE)
    head = f"from {'.' * node.level}{node.module or ''} import "
    comments = _comments(text)
    flat = head + ", ".join(names)
    if "\n" not in text and len(indent) + len(flat) <= source.width:
        return Edit(span, flat, CODE)
    lines = [f"{indent}    {name}," + comments.get(name, "") for name in names]
    return Edit(span, f"{head}(\n" + "\n".join(lines) + f"\n{indent})", CODE)


def _comments(text: str) -> dict[str, str]:
    """Comments at the end of lines of a parenthesised import, by the name on the line."""
    found = {}
    for line in text.splitlines():
        name, mark, comment = line.partition("#")
        if mark:
            found[name.strip().rstrip(",").strip()] = f"  #{comment.rstrip()}"
    return found


def _written(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _insert(names: list[str], name: str, *, in_order: list[str]) -> list[str]:
    """Insert a name where the list's own order wants it; at the end of an unsorted list."""
    for key in (_isort_key, str, str.lower):
        if in_order == sorted(in_order, key=key):
            return sorted([*names, name], key=key)
    return [*names, name]


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as isort and ruff sort by default."""
    if name.isupper() and len(name) > 1:
        return (0, name)
    return (1 if name[:1].isupper() else 2, name)


def _removed(source: SourceFile, node: Statement, *, only: bool) -> Edit:
    span = source.span(node)
    if only:
        return Edit(span, "pass", CODE)
    lines = source.line_span(node.lineno, node.end_lineno or node.lineno)
    before = source.text[lines.start : span.start]
    after = source.text[span.end : lines.end].strip()
    if not before.strip() and (not after or after.startswith("#")):
        return Edit(lines, "", CODE)
    rest = source.text[span.end : lines.end]
    cut = len(rest) - len(rest.lstrip(" \t;"))
    return Edit(Span(span.start, span.end + cut), "" if cut and after else "pass", CODE)


def _strings(tree: ast.Module) -> set[str]:
    return {
        item.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for item in nodes_in(node)
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    }


def _words_of(annotation: ast.expr) -> set[str]:
    words: set[str] = set()
    for node in nodes_in(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = "".join(char if char.isalnum() or char == "_" else " " for char in node.value)
            words |= set(text.split())
    return words
