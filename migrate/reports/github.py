"""The report as GitHub workflow commands, which show as annotations on a pull request."""

from __future__ import annotations

from rlmigrate.migrate.findings import Outcome, Report

LEVELS = {Outcome.MANUAL: "warning", Outcome.BRIDGED: "notice", Outcome.NATIVE: "notice"}


def render(report: Report) -> str:
    """Render one command an item."""
    lines = []
    for item in report.items:
        level = LEVELS.get(item.outcome, "notice")
        where = f"file={_property(item.path)},line={item.line},title={_property(item.code)}"
        text = f"{item.outcome} {item.kind} {item.name}: {item.message}"
        lines.append(f"::{level} {where}::{_data(text)}")
    lines += [
        f"::error file={_property(file.path)}::{_data(file.error)}"
        for file in report.files
        if file.error
    ]
    return "\n".join(lines) + ("\n" if lines else "")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
