"""Options that scan and rewrite share, and what they come to.

shared_options   the decorator
Options          their values
guarded          errors raised on purpose become messages and exit status 2
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

import click

from rlmigrate.errors import RlmigrateError
from rlmigrate.migrate.reports import FORMATS
from rlmigrate.migrate.settings import CHOICES, Settings, load_settings

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Values of the shared options."""

    paths: tuple[Path, ...]
    settings: Settings
    format_name: str | None
    report: Path | None
    baseline: Path | None
    quiet: int
    verbose: int


def shared_options(function: Callable[..., int]) -> Callable[..., None]:
    """Add the shared options to a command; it receives `options: Options` and its own."""

    @functools.wraps(function)
    def command(**values: object) -> None:
        options = _options(values)
        sys.exit(function(options=options, **values))

    decorated: Callable[..., None] = guarded(command)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """Turn an error raised on purpose into a message on stderr and exit status 2."""

    @functools.wraps(function)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            function(*arguments, **named)
        except RlmigrateError as error:
            click.echo(f"rlmigrate: {error}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(2)

    return run


_OPTIONS = [
    click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path)),
    click.option(
        "--select", multiple=True, metavar="CODES", help="Only these rules, by code or prefix."
    ),
    click.option("--ignore", multiple=True, metavar="CODES", help="Not these rules."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Leave these files out."),
    click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Worker processes."),
    click.option("--target", type=click.Choice(CHOICES["target"]), help="Stack to write for."),
    click.option(
        "--ray-version",
        type=click.Choice(CHOICES["ray_version"]),
        help="Ray release to write for; the newest unless given.",
    ),
    click.option(
        "--format",
        "format_name",
        type=click.Choice(list(FORMATS)),
        help="Format of the report on stdout.",
    ),
    click.option(
        "--report",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the report here too; its suffix gives the format.",
    ),
    click.option(
        "--baseline",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Leave out the items that this file lists.",
    ),
    click.option("-q", "--quiet", count=True, help="Say less."),
    click.option("-v", "--verbose", count=True, help="Say more."),
]


def _options(values: dict[str, object]) -> Options:
    def take(name: str) -> object:
        return values.pop(name)

    paths = take("paths")
    assert isinstance(paths, tuple)
    names = ["select", "ignore", "exclude", "jobs", "target", "ray_version", "layers"]
    names.append("yaml_to_python")
    given = {name: take(name) for name in names if name in values}
    settings = load_settings(paths[0], **given)
    return Options(
        paths=paths,
        settings=settings,
        format_name=take("format_name"),  # type: ignore[arg-type]
        report=take("report"),  # type: ignore[arg-type]
        baseline=take("baseline"),  # type: ignore[arg-type]
        quiet=take("quiet"),  # type: ignore[arg-type]
        verbose=take("verbose"),  # type: ignore[arg-type]
    )
