"""`rlmigrate warnings`: from a log of deprecation warnings to rules and places."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from rlmigrate.migrate.commands.options import guarded
from rlmigrate.migrate.commands.output import show


@click.command(name="warnings")
@click.argument("log", type=click.File("r", errors="replace"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@guarded
def command(*, log: TextIO, paths: tuple[Path, ...]) -> None:
    """Read LOG (`-` for stdin), a test run's output, and name the rule for each warning of RLlib.

    With PATHS, the places that the rule finds there follow.
    Exit status: 0 every warning has a rule, 1 some have none, 2 error.
    """
    import sys

    from rlmigrate.migrate.engine.warning_log import places_of, read_log

    warnings = read_log(log.read())
    places = places_of(warnings, paths) if paths else {}
    for warning in warnings:
        show(f"{warning.count}x {warning.code or 'no rule'}  {warning.text}\n")
        for place in places.get(warning.code, ()):
            show(f"    {place}\n")
    sys.exit(1 if any(not warning.code for warning in warnings) else 0)
