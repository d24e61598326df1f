"""Inputs that are no Python files: notebooks and YAML experiments.

do_documents   look at them all, or rewrite them
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.rounds import Outcome, inspect, rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.imports import module_name
from rlmigrate.migrate.index.reader import read_file
from rlmigrate.migrate.io.notebook import Notebook
from rlmigrate.migrate.rules.base import Rule
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile


def do_documents(
    paths: Iterable[Path], index: RepoIndex, settings: Settings, *, rewriting: bool
) -> list[Outcome]:
    """Do each document; what goes wrong with one becomes its error."""
    rules = selected(settings)
    outcomes = []
    for path in paths:
        try:
            outcome = _do(path, index, settings, rules, rewriting=rewriting)
        except SourceError as error:
            outcome = Outcome(path, error=str(error))
        except OSError as error:
            outcome = Outcome(path, error=f"{path}: cannot be read: {error.strerror}")
        if outcome is not None:
            outcomes.append(outcome)
    return outcomes


def _do(
    path: Path,
    index: RepoIndex,
    settings: Settings,
    rules: tuple[Rule, ...],
    *,
    rewriting: bool,
) -> Outcome | None:
    raw = path.read_bytes()
    if path.suffix != ".ipynb":
        from rlmigrate.migrate.engine.experiments import do_experiments

        return do_experiments(path, raw, index, settings, rewriting=rewriting)
    if b"rllib" not in raw:
        return None
    notebook = Notebook.read(path)
    source = SourceFile(path, notebook.text.encode("utf-8"))
    entry = read_file(source, module=module_name(path), path=path, mentions_rllib=True)
    extended = dataclasses.replace(
        index,
        files={**index.files, path: entry},
        texts={**index.texts, path: source.raw},
    )
    outcome = (rewrite if rewriting else inspect)(source, extended, settings, rules)
    items = []
    for item in outcome.items:
        cell, line = notebook.place(item.line)
        message = f"cell {cell}, line {line}: {item.message}"
        items.append(dataclasses.replace(item, message=message))
    after = None
    if outcome.after is not None:
        after = notebook.with_text(outcome.after.decode("utf-8"))
    return dataclasses.replace(outcome, items=tuple(items), before=raw, after=after)
