"""Write the changes of a run.

Written     what was written and what could not be
write_run   do it, leaving an undo patch
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.run import Change
from rlmigrate.migrate.io.atomic import replace_file
from rlmigrate.migrate.io.patch import undo


@dataclass(frozen=True)
class Written:
    """Paths that were written, and errors of those that were not."""

    paths: tuple[Path, ...]
    errors: dict[Path, str]


def write_run(changes: Sequence[Change], *, undo_patch: Path | None) -> Written:
    """Write the undo patch, then every file, each whole or not at all.

    New files come first, so that a run that is killed leaves no import without its module.
    """
    if undo_patch is not None and changes:
        undo_patch.parent.mkdir(parents=True, exist_ok=True)
        undo_patch.write_bytes(undo(changes).encode("utf-8", "surrogateescape"))
    paths: list[Path] = []
    errors: dict[Path, str] = {}
    for change in sorted(changes, key=lambda change: change.before is not None):
        try:
            replace_file(change.path, change.after, expected=change.before)
        except SourceError as error:
            errors[change.path] = str(error)
        else:
            paths.append(change.path)
    return Written(tuple(paths), errors)
