"""Reports of scan and rewrite, one format a file; rendering only, no printing.

FORMATS        format name to the module that renders it
render         a report in one format
format_of      the format that a file's suffix asks for
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from rlmigrate.errors import UsageError
from rlmigrate.migrate.findings import Report

FORMATS: Mapping[str, str] = {
    "text": "text",
    "json": "as_json",
    "sarif": "sarif",
    "markdown": "markdown",
    "html": "html",
    "github": "github",
}
SUFFIXES: Mapping[str, str] = {
    ".txt": "text",
    ".json": "json",
    ".sarif": "sarif",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}


def render(report: Report, format_name: str) -> str:
    """Render a report; the text ends with a newline."""
    module = importlib.import_module(f"rlmigrate.migrate.reports.{FORMATS[format_name]}")
    text: str = module.render(report)
    return text


def format_of(path: Path) -> str:
    """Return the format for a report file; raises UsageError for a suffix that says nothing.

    >>> format_of(Path("report.md"))
    'markdown'
    """
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise UsageError(f"{path}: no format has this suffix; use one of {', '.join(SUFFIXES)}")
    return found
