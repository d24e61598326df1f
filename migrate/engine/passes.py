"""The passes of a run: index what was found, then do every file, document and pin.

all_passes   what became of each
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.discovery import Found
from rlmigrate.migrate.engine.documents import do_documents
from rlmigrate.migrate.engine.pins import do_pins
from rlmigrate.migrate.engine.rounds import Outcome
from rlmigrate.migrate.engine.workers import Job, crew_of, entering, work
from rlmigrate.migrate.findings import Outcome as Fate
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.settings import Settings


def all_passes(
    found: Found, settings: Settings, *, rewriting: bool, done: Callable[[Path], None]
) -> list[Outcome]:
    """Do all that was found, in order of its paths; `done` is called as each file is finished."""
    with crew_of(settings, len(found.python)) as crew:
        index = RepoIndex.build(
            found.python, settings, enter=entering(crew), others=(*found.documents, *found.data)
        )
        outcomes = work(Job(index, settings, rewriting), sorted(index.files), crew, done=done)
    outcomes += do_documents(found.documents, index, settings, rewriting=rewriting)
    outcomes += [
        pins
        for path in found.pins
        if (pins := _pins(path, settings, outcomes, rewriting=rewriting)) is not None
    ]
    outcomes += [Outcome(path, error=f"{path}: {reason}") for path, reason in found.errors]
    outcomes += [Outcome(path, error=error) for path, error in index.errors.items()]
    return sorted(outcomes, key=lambda outcome: outcome.path)


def _pins(
    path: Path, settings: Settings, others: Sequence[Outcome], *, rewriting: bool
) -> Outcome | None:
    """Pins are raised only where code below or beside them is written for a newer Ray."""
    if not any(_written(o) and o.path.is_relative_to(path.parent) for o in others):
        return None
    if any(o.path == path for o in others):
        return None  # a setup.py that speaks of RLlib itself
    try:
        return do_pins(path, path.read_bytes(), settings, rewriting=rewriting)
    except (OSError, SourceError) as error:
        return Outcome(path, error=f"{path}: cannot be read: {error}")


def _written(outcome: Outcome) -> bool:
    return any(item.outcome in (Fate.NATIVE, Fate.BRIDGED) for item in outcome.items)
