"""Ask for each hunk of a run's changes, as `git add -p` does.

asked   the changes that were agreed to
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rlmigrate.migrate.commands.output import say, show_diff

if TYPE_CHECKING:
    from rlmigrate.migrate.engine.run import Change

KEYS = "y,n,a,d,q,?"
HELP = """y - make this change
n - leave it
a - make it and all later ones in this file
d - leave it and all later ones in this file
q - leave it and everything after it, in all files
? - show this help"""


def asked(changes: Sequence[Change]) -> list[Change]:
    """Show each hunk and ask; what is refused stays as it is.

    A choice that leaves a Python file that does not parse is refused as a whole: hunks of one
    rewriting can need each other.
    """
    kept: list[Change] = []
    for at, change in enumerate(changes):
        chosen, answer = _of_file(change, f"{change.path} ({at + 1} of {len(changes)} files)")
        if chosen is not None:
            kept.append(chosen)
        if answer == "q":
            break
    return kept


def _of_file(change: Change, title: str) -> tuple[Change | None, str]:
    """The part of a change that was agreed to, and the last answer."""
    from rlmigrate.migrate.io.hunks import hunks, taking
    from rlmigrate.migrate.io.patch import unified

    if change.before is None:
        show_diff(unified(change.path, None, change.after))
        answer = _answer(f"{title}: write this new file?")
        return (change if answer in "ya" else None), answer
    every = hunks(change.before, change.after)
    wanted: set[int] = set()
    say(f"\n{title}")
    answer = ""
    for number, hunk in enumerate(every):
        if answer != "a":
            show_diff(hunk.text)
            answer = _answer(f"change {number + 1} of {len(every)}: make it?")
        if answer in "dq":
            break
        if answer in "ya":
            wanted.add(number)
    if not wanted:
        return None, answer
    after = taking(change.before, every, wanted)
    if len(wanted) < len(every) and change.path.suffix == ".py" and not _parses(after):
        say(f"error: {change.path}: these changes need others of the file; it is left as it is")
        return None, answer
    return dataclasses.replace(change, after=after), answer


def _answer(question: str) -> str:
    while True:
        given: str = click.prompt(
            f"{question} [{KEYS}]",
            type=click.Choice(KEYS.split(",")),
            show_choices=False,
            default="y",
            err=True,
        )
        if given != "?":
            return given
        say(HELP)


def _parses(raw: bytes) -> bool:
    try:
        ast.parse(raw)
    except (SyntaxError, ValueError):
        return False
    return True
