"""The report as GitHub workflow commands, which show as annotations on a pull request.

GitHub shows the first ten of each level, so what a person must do comes first.
"""

from __future__ import annotations

from rlmigrate.migrate.findings import Outcome, Report

LEVELS = {Outcome.MANUAL: "warning", Outcome.BRIDGED: "notice", Outcome.NATIVE: "notice"}


def render(report: Report) -> str:
    """Render one command an item, errors and work left first; what stays as it is goes unsaid."""
    lines = [
        f"::error file={_property(file.path)}::{_data(file.error)}"
        for file in report.files
        if file.error
    ]
    told = [item for item in report.items if item.outcome is not Outcome.UNCHANGED]
    for item in sorted(told, key=lambda item: list(LEVELS).index(item.outcome)):
        level = LEVELS.get(item.outcome, "notice")
        where = f"file={_property(item.path)},line={item.line},title={_property(item.code)}"
        text = f"{item.outcome} {item.kind} {item.name}: {item.message}"
        lines.append(f"::{level} {where}::{_data(text)}")
    return "\n".join(lines) + ("\n" if lines else "")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
