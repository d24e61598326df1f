"""The report as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Sequence

from rlmigrate.migrate.findings import Outcome, Report
from rlmigrate.migrate.reports.summary import by_kind, left, total


def render(report: Report) -> str:
    """Render the report as Markdown."""
    parts = ["# Migration report", "", f"{total(report)}.", ""]
    rows = by_kind(report)
    if rows:
        parts += _table(
            ["kind", *map(str, Outcome)],
            [[str(kind), *(str(counts[o]) for o in Outcome)] for kind, counts in rows],
        )
    todo = left(report)
    if todo:
        parts += ["## Left to do by hand", "", "The most work first.", ""]
        rows_left = [[f"`{row.path}`", str(row.items), row.kinds] for row in todo]
        parts += _table(["file", "items", "what"], rows_left)
    failed = [file for file in report.files if file.error]
    if failed:
        parts += ["## Files that could not be done", ""]
        parts += [f"- {_cell(file.error or '')}" for file in failed]
        parts.append("")
    if report.items:
        parts += ["## Items", ""]
        parts += _table(
            ["place", "code", "kind", "name", "outcome", "what"],
            [
                [
                    f"`{i.path}:{i.line}`",
                    i.code,
                    i.kind,
                    f"`{_cell(i.name)}`",
                    i.outcome,
                    _cell(i.message),
                ]
                for i in report.items
            ],
        )
    return "\n".join(parts).rstrip("\n") + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
