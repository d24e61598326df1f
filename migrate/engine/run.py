"""A whole run: find what there is to read, have it read, and hold what would be written.

Run         report, texts and new files of one run
run_files   do it
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rlmigrate.migrate.engine.discovery import discover
from rlmigrate.migrate.engine.problems import coded
from rlmigrate.migrate.findings import FileResult, Item, Report
from rlmigrate.migrate.settings import Settings

if TYPE_CHECKING:
    from rlmigrate.migrate.engine.rounds import Outcome


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
    found = discover(paths, exclude=settings.exclude)
    if not (found.python or found.documents or found.pins or found.errors):
        return Run((), 0)
    from rlmigrate.migrate.engine.passes import all_passes  # every rule: half of an idle start

    with _uncollected():
        outcomes = all_passes(found, settings, rewriting=rewriting, done=done)
    new_files: dict[Path, str] = {}
    for outcome in outcomes:
        for name, text in outcome.new_files.items():
            new_files.setdefault(Path(name), text)
    seen = len(found.python) + len(found.documents) + len(found.pins)
    return Run(tuple(outcomes), seen, new_files)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector away: trees hold no cycles, and it would walk all of them often.

    Doubles the speed of a scan; what was there before is not copied into worker processes. What
    was made meanwhile is frozen for a moment, which moves it to the oldest generation unwalked.
    """
    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        if was_on:
            gc.enable()


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
