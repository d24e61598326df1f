"""A whole run: find, index, check, and hold what would be written.

Run         report, texts and new files of one run
run_files   do it
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.discovery import Found, discover
from rlmigrate.migrate.engine.documents import do_documents
from rlmigrate.migrate.engine.pins import do_pins
from rlmigrate.migrate.engine.problems import coded
from rlmigrate.migrate.engine.rounds import Outcome
from rlmigrate.migrate.engine.workers import Job, crew_of, entering, work
from rlmigrate.migrate.findings import FileResult, Item, Report
from rlmigrate.migrate.findings import Outcome as Fate
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.settings import Settings


@dataclass(frozen=True)
class Change:
    """One file as it was and as it becomes; `before` is None where it is new."""

    path: Path
    before: bytes | None
    after: bytes


@dataclass(frozen=True)
class Run:
    """The result of a run; nothing has been written."""

    outcomes: tuple[Outcome, ...]
    seen: int
    new_files: dict[Path, str] = field(default_factory=dict)

    @property
    def report(self) -> Report:
        """The report of the run: files that hold an item, change, or could not be done."""
        return Report(
            files=tuple(
                FileResult(str(o.path), o.after is not None, o.error and coded(o.error))
                for o in self.outcomes
                if o.items or o.error or o.after is not None
            ),
            items=tuple(item for o in self.outcomes for item in _in_order(o.items)),
        )

    @property
    def changes(self) -> tuple[Change, ...]:
        """Files to be written, in order of their paths; new files stand with them."""
        changed = [Change(o.path, o.before, o.after) for o in self.outcomes if o.after is not None]
        for path, text in self.new_files.items():
            before = path.read_bytes() if path.is_file() else None
            if before != text.encode("utf-8"):
                changed.append(Change(path, before, text.encode("utf-8")))
        return tuple(sorted(changed, key=lambda change: change.path))


def run_files(
    paths: Sequence[Path],
    settings: Settings,
    *,
    rewriting: bool,
    done: Callable[[Path], None] = lambda _: None,
) -> Run:
    """Look at every input below `paths`; raises UsageError where one does not exist."""
    with _uncollected():
        return _run(paths, settings, rewriting=rewriting, done=done)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector away: trees hold no cycles, and it would walk all of them often.

    Doubles the speed of a scan; what was there before is not copied into worker processes.
    """
    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


def _run(
    paths: Sequence[Path], settings: Settings, *, rewriting: bool, done: Callable[[Path], None]
) -> Run:
    found = discover(paths, exclude=settings.exclude)
    with crew_of(settings, len(found.python)) as crew:
        index = RepoIndex.build(found.python, settings, enter=entering(crew))
        outcomes = work(Job(index, settings, rewriting), sorted(index.files), crew, done=done)
    outcomes += do_documents(found.documents, index, settings, rewriting=rewriting)
    outcomes += [
        pins
        for path in found.pins
        if (pins := _pins(path, settings, outcomes, rewriting=rewriting)) is not None
    ]
    outcomes += [Outcome(path, error=f"{path}: {reason}") for path, reason in found.errors]
    outcomes += [Outcome(path, error=error) for path, error in index.errors.items()]
    outcomes.sort(key=lambda outcome: outcome.path)
    new_files: dict[Path, str] = {}
    for outcome in outcomes:
        for name, text in outcome.new_files.items():
            new_files.setdefault(Path(name), text)
    return Run(tuple(outcomes), _count(found), new_files)


def _pins(
    path: Path, settings: Settings, others: Sequence[Outcome], *, rewriting: bool
) -> Outcome | None:
    """Pins are raised only where code below or beside them is written for a newer Ray."""
    if not any(_written(o) and o.path.is_relative_to(path.parent) for o in others):
        return None
    try:
        return do_pins(path, path.read_bytes(), settings, rewriting=rewriting)
    except (OSError, SourceError) as error:
        return Outcome(path, error=f"{path}: cannot be read: {error}")


def _written(outcome: Outcome) -> bool:
    return any(item.outcome in (Fate.NATIVE, Fate.BRIDGED) for item in outcome.items)


def _count(found: Found) -> int:
    return len(found.python) + len(found.documents) + len(found.pins)


def _in_order(items: Sequence[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item.line, item.column, item.code))


def with_errors(report: Report, errors: Mapping[Path, str]) -> Report:
    """Add errors of writing to a report; those files did not change."""
    files = tuple(
        FileResult(file.path, changed=False, error=coded(errors[Path(file.path)]))
        if Path(file.path) in errors
        else file
        for file in report.files
    )
    return Report(files, report.items)
