"""Reports for people and machines, made from results alone: text, Markdown, JUnit, HTML."""

from __future__ import annotations

from pathlib import Path

from rlmigrate.compat.parity.results import ParityReport
from rlmigrate.errors import UsageError

_BY_SUFFIX = {
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xml": "junit",
    ".txt": "text",
}


def render(report: ParityReport, style: str) -> str:
    """Write a report in one of the styles: text, json, markdown, html, junit."""
    if style == "json":
        return report.to_json() + "\n"
    if style == "markdown":
        from rlmigrate.compat.parity.render.markdown import markdown

        return markdown(report)
    if style == "html":
        from rlmigrate.compat.parity.render.html import html

        return html(report)
    if style == "junit":
        from rlmigrate.compat.parity.render.junit import junit

        return junit(report)
    from rlmigrate.compat.parity.render.text import plain_text

    return plain_text(report) + "\n"


def write_report(report: ParityReport, path: Path, *, style: str | None = None) -> None:
    """Write a report to a file, its style given or taken from the suffix.

    Raises:
        UsageError: the suffix says nothing.
    """
    chosen = style or _BY_SUFFIX.get(path.suffix.lower())
    if chosen is None:
        raise UsageError(
            f"{path}: suffix {path.suffix!r} names no report; use {', '.join(_BY_SUFFIX)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(report, chosen), encoding="utf-8")
