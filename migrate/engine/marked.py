"""Files with markers.

marked_files      files and their markers
clear_markers     remove them all
refresh_markers   remove those whose construct is gone
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.edits import Edit, apply_edits
from rlmigrate.migrate.engine.discovery import discover
from rlmigrate.migrate.engine.rounds import check_file
from rlmigrate.migrate.engine.todo import Marker, markers
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.io.atomic import replace_file
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile


def marked_files(
    paths: Sequence[Path], settings: Settings
) -> Iterator[tuple[SourceFile, list[Marker]]]:
    """Yield each file that holds a selected marker."""
    for path in discover(paths, exclude=settings.exclude).python:
        try:
            source = SourceFile.read(path)
            if b"TODO(rlmigrate" not in source.raw:
                continue
            found = [m for m in markers(source.text) if settings.wants(m.code)]
        except SourceError:
            continue  # scan reports it
        if found:
            yield source, found


def clear_markers(paths: Sequence[Path], settings: Settings) -> list[tuple[Path, int]]:
    """Remove every selected marker; returns the files and counts."""
    return [
        (source.path, _remove(source, found)) for source, found in marked_files(paths, settings)
    ]


def refresh_markers(paths: Sequence[Path], settings: Settings) -> list[tuple[Path, int]]:
    """Remove the markers that no rule would write today; returns the files and counts."""
    index = RepoIndex.build(discover(paths, exclude=settings.exclude).python, settings)
    rules = selected(settings)
    done = []
    for source, found in marked_files(paths, settings):
        wanted = {
            (finding.item.code, " ".join(finding.item.message.split()))
            for finding in (
                check_file(source, index, settings, rules) if source.path in index.files else ()
            )
            if finding.item.outcome is Outcome.MANUAL
        }
        stale = [marker for marker in found if (marker.code, marker.text) not in wanted]
        if stale:
            done.append((source.path, _remove(source, stale)))
    return done


def _remove(source: SourceFile, found: list[Marker]) -> int:
    edits = [Edit(source.line_span(m.first, m.last), "", m.code) for m in found]
    text = apply_edits(source, edits)
    replace_file(source.path, source.encode(text), expected=source.raw)
    return len(found)
