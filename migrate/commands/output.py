"""What commands print: machine output on stdout, everything else on stderr.

say          a message
show         a report on stdout, in colour on a terminal
show_diff    a diff on stdout, in colour on a terminal
save         a report in a file
progress     a line that counts files, on a terminal only
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from rlmigrate.errors import SourceError
from rlmigrate.migrate.findings import Outcome, Report
from rlmigrate.migrate.reports import format_of, render

COLOURS = {
    Outcome.NATIVE: "green",
    Outcome.BRIDGED: "blue",
    Outcome.MANUAL: "yellow",
    Outcome.UNCHANGED: "bright_black",
}
DIFF_COLOURS = {"@": "cyan", "+": "green", "-": "red"}


def say(message: str, *, quiet: int = 0) -> None:
    """Write a message to stderr."""
    if not quiet:
        click.echo(message, err=True)


def colourful() -> bool:
    """Tell whether stdout takes colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def show(text: str) -> None:
    """Write text to stdout as it is, bytes that are no text included."""
    sys.stdout.flush()
    data = text.encode("utf-8", "surrogateescape")
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(data.decode("utf-8", "replace"))


def show_report(report: Report, format_name: str) -> None:
    """Render a report on stdout."""
    text = render(report, format_name)
    if format_name == "text" and colourful():
        lines = text.splitlines(keepends=True)
        text = "".join(_coloured(line) for line in lines)
    show(text)


def show_diff(diff: str) -> None:
    """Write a diff to stdout."""
    if colourful():
        diff = "".join(_coloured_diff(line) for line in diff.splitlines(keepends=True))
    show(diff)


def save(report: Report, path: Path) -> None:
    """Write a report to a file, in the format of its suffix."""
    text = render(report, format_of(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def progress(*, quiet: int) -> Iterator[Callable[[Path], None]]:
    """Count files on stderr while they are done."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    count = 0

    def done(path: Path) -> None:
        nonlocal count
        count += 1
        sys.stderr.write(f"\r{count} files \x1b[K")

    yield done
    sys.stderr.write("\r\x1b[K")


def _coloured(line: str) -> str:
    for outcome, colour in COLOURS.items():
        word = f" {outcome} "
        if word in line and ": RLM" in line:
            return line.replace(word, f" {click.style(str(outcome), fg=colour)} ", 1)
    return click.style(line, fg="red") if line.startswith("error: ") else line


def _coloured_diff(line: str) -> str:
    for start, colour in (
        ("+++", None),
        ("---", None),
        ("@@", "cyan"),
        ("+", "green"),
        ("-", "red"),
    ):
        if line.startswith(start):
            return click.style(line, fg=colour, bold=colour is None)
    return line
