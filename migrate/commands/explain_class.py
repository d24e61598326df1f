"""`rlmigrate scan --explain CLASS`: what is understood of one class, and what becomes of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.errors import UsageError
from rlmigrate.migrate.commands.options import Options
from rlmigrate.migrate.commands.output import show
from rlmigrate.migrate.engine.discovery import discover
from rlmigrate.migrate.engine.rounds import check_file
from rlmigrate.migrate.findings import Item
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.strategy import study_class
from rlmigrate.migrate.understanding import render


def explain_class(options: Options, name: str) -> int:
    """Print what is known of every class with this name, and of what a call made under it.

    Raises UsageError where nothing has the name.
    """
    found = discover(options.paths, exclude=options.settings.exclude)
    index = RepoIndex.build(found.python, options.settings)
    explained = 0
    for path in sorted(index.files):
        source = index.source_of(path)
        for node in _defined(source, name):
            show("\n".join(_told(index, source, node)) + "\n")
            explained += 1
    if not explained:
        raise UsageError(
            f"{name}: no such class in {', '.join(map(str, options.paths))}, among the files that "
            "mention rllib or use a class of one that does"
        )
    return 0


def _defined(source: SourceFile, name: str) -> Iterator[ast.ClassDef | ast.Assign]:
    """Classes of a file, by name alone or qualified, and assignments of calls."""
    last = name.rpartition(".")[2]
    for node in source.nodes(ast.ClassDef):
        if node.name == last:
            yield node
    for assigned in source.nodes(ast.Assign):
        targets = [t.id for t in assigned.targets if isinstance(t, ast.Name)]
        if last in targets and isinstance(assigned.value, ast.Call):
            yield assigned


def _told(index: RepoIndex, source: SourceFile, node: ast.ClassDef | ast.Assign) -> Iterator[str]:
    """Lines about one definition."""
    entries = {entry.line: entry for entry in index.files[source.path].classes}
    entry = entries.get(node.lineno) if isinstance(node, ast.ClassDef) else None
    kind = index.legacy_kind(entry.qualified) if entry is not None else None
    items = list(_items(index, source, node))
    if isinstance(node, ast.Assign):
        kind = next((f"{item.kind} made by a call" for item in items), None)
    yield f"{source.path}:{node.lineno}: {_described(kind)}"
    if entry is not None and kind == "model" and isinstance(node, ast.ClassDef):
        study = study_class(index, index.files[source.path], node, qualified=entry.qualified)
        yield render(study.reading.facts)
        yield f"  outcome: {study.plan.outcome}, because it {study.plan.reason}"
    elif entry is not None:
        if entry.bases:
            yield f"  bases: {', '.join(entry.bases)}"
        if entry.methods:
            yield f"  methods: {', '.join(entry.methods)}"
    if items:
        yield "  findings:"
    for item in items:
        yield f"    line {item.line}: {item.outcome} by {item.code}: {item.message}"


def _described(kind: str | None) -> str:
    if kind is None:
        return "nothing of the old stack"
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind.replace('_', ' ')}"


def _items(index: RepoIndex, source: SourceFile, node: ast.ClassDef | ast.Assign) -> Iterator[Item]:
    """What the rules find from the first line of a definition to its last."""
    last = node.end_lineno or node.lineno
    rules = selected(index.settings)
    for finding in check_file(source, index, index.settings, rules):
        if node.lineno <= finding.item.line <= last:
            yield finding.item
