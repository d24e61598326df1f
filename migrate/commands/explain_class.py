"""`rlmigrate scan --explain CLASS`: what is understood of one class, and what becomes of it."""

from __future__ import annotations

import ast

from rlmigrate.errors import UsageError
from rlmigrate.migrate.commands.options import Options
from rlmigrate.migrate.commands.output import show
from rlmigrate.migrate.engine.discovery import discover
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.strategy import study_class
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding import render


def explain_class(options: Options, name: str) -> int:
    """Print the facts of every model class with this name; raises UsageError where none has it."""
    found = discover(options.paths, exclude=options.settings.exclude)
    index = RepoIndex.build(found.python, options.settings)
    classes = [entry for entry in index.classes.values() if name in (entry.name, entry.qualified)]
    if not classes:
        raise UsageError(f"{name}: no such class in {', '.join(map(str, options.paths))}")
    for entry in classes:
        kind = index.legacy_kind(entry.qualified)
        show(f"{entry.path}:{entry.line}: {kind or 'no class of the old stack'}\n")
        if kind != "model":
            continue
        tree = index.source_of(entry.path).tree
        for node in nodes_in(tree):
            if isinstance(node, ast.ClassDef) and node.lineno == entry.line:
                study = study_class(index, index.files[entry.path], node, qualified=entry.qualified)
                show(render(study.reading.facts) + "\n")
                show(f"  outcome: {study.plan.outcome}, because it {study.plan.reason}\n")
    return 0
