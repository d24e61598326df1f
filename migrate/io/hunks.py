"""The changes of one file as hunks, of which some may be taken.

Hunk     lines of a file before and after, with the diff that shows them
hunks    those of one change
taking   the file with some of its hunks
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rlmigrate.migrate.io.patch import split_lines

CONTEXT = 3


@dataclass(frozen=True)
class Hunk:
    """Lines `start` to `stop` of the old file, counted from 0, become `lines`; `text` shows it."""

    start: int
    stop: int
    lines: tuple[str, ...]
    text: str


def hunks(before: bytes, after: bytes) -> list[Hunk]:
    """Split a change at unchanged stretches, as diffs do."""
    old, new = split_lines(before), split_lines(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    found = []
    for group in matcher.get_grouped_opcodes(CONTEXT):
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        shown = [f"@@ -{i1 + 1},{i2 - i1} +{j1 + 1},{j2 - j1} @@\n"]
        for tag, a, b, c, d in group:
            if tag == "equal":
                shown += [" " + line for line in old[a:b]]
                continue
            shown += ["-" + line for line in old[a:b]]
            shown += ["+" + line for line in new[c:d]]
        text = "".join(line if line.endswith("\n") else line + "\n" for line in shown)
        found.append(Hunk(i1, i2, tuple(new[j1:j2]), text))
    return found


def taking(before: bytes, every: Sequence[Hunk], wanted: Collection[int]) -> bytes:
    """Return the old file with the hunks whose numbers are wanted."""
    old = split_lines(before)
    made: list[str] = []
    at = 0
    for number, hunk in enumerate(every):
        made += old[at : hunk.start]
        made += hunk.lines if number in wanted else old[hunk.start : hunk.stop]
        at = hunk.stop
    made += old[at:]
    return "".join(made).encode("utf-8", "surrogateescape")
