"""Unified diffs that `git apply` and `patch` take.

unified   the diff of one change
undo      the diff that takes a run back
split_lines   the lines of a file, as git counts them
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from rlmigrate.migrate.engine.run import Change

LINES = re.compile(rb"[^\n]*\n|[^\n]+\Z")


def unified(path: Path, before: bytes | None, after: bytes | None, *, context: int = 3) -> str:
    """Write the diff of one file; bytes that are not UTF-8 are carried as surrogates.

    A side that is None does not exist.
    """
    name = path.as_posix().lstrip("/") if path.is_absolute() else path.as_posix()
    old, new = split_lines(before or b""), split_lines(after or b"")
    lines = difflib.unified_diff(
        old,
        new,
        "/dev/null" if before is None else f"a/{name}",
        "/dev/null" if after is None else f"b/{name}",
        n=context,
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def undo(changes: Iterable[Change]) -> str:
    """Write the patch that restores every file of a run, new files removed."""
    return "".join(unified(change.path, change.after, change.before) for change in changes)


def split_lines(raw: bytes) -> list[str]:
    """Split at newlines only, as git does: a lone carriage return is no line end."""
    return [line.decode("utf-8", "surrogateescape") for line in LINES.findall(raw)]
