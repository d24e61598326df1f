"""`rlmigrate todo`: the markers that say what is left to do by hand."""

from __future__ import annotations

from pathlib import Path

import click

from rlmigrate.migrate.commands.options import guarded
from rlmigrate.migrate.commands.output import say, show


@click.command(name="todo")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--refresh", is_flag=True, help="Bring the markers in line with what is left.")
@click.option("--clear", is_flag=True, help="Remove the markers.")
@click.option("--select", multiple=True, metavar="CODES", help="Only these rules' markers.")
@click.option("-q", "--quiet", count=True, help="Say less.")
@guarded
def command(
    *, paths: tuple[Path, ...], refresh: bool, clear: bool, select: tuple[str, ...], quiet: int
) -> None:
    """List the markers in PATHS, or take away those that are done with.

    Exit status: 0 none left, 1 some left, 2 error.
    """
    import sys

    from rlmigrate.errors import UsageError
    from rlmigrate.migrate.engine.marked import clear_markers, marked_files, refresh_markers
    from rlmigrate.migrate.settings import load_settings

    if refresh and clear:
        raise UsageError("--refresh and --clear: choose one")
    settings = load_settings(paths[0], select=select)
    if clear or refresh:
        act = clear_markers if clear else refresh_markers
        for path, count in act(paths, settings):
            say(f"{path}: {count} removed", quiet=quiet)
    left = 0
    for source, markers in marked_files(paths, settings):
        for marker in markers:
            show(f"{source.path}:{marker.first}: {marker.code} {marker.text}\n")
            left += 1
    sys.exit(1 if left else 0)
