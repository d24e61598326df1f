"""The report as text: one line an item, as compilers write them, then the summary."""

from __future__ import annotations

from rlmigrate.migrate.findings import Outcome, Report
from rlmigrate.migrate.reports.summary import by_kind, left, total


def render(report: Report) -> str:
    """Render the report as plain text."""
    lines = [
        f"{item.path}:{item.line}: {item.code} {item.outcome:<9} {item.kind} {item.name}: "
        f"{item.message}"
        for item in report.items
    ]
    lines += [f"error: {file.error}" for file in report.files if file.error]
    return "\n".join([*lines, *([""] if lines else []), summary(report)]) + "\n"


def summary(report: Report) -> str:
    """Render the counts and where work is left."""
    lines = []
    rows = by_kind(report)
    if rows:
        names = [str(outcome) for outcome in Outcome]
        lines.append(f"{'':<14}" + "".join(f"{name:>11}" for name in names))
        lines += [
            f"{kind:<14}" + "".join(f"{counts[outcome] or '':>11}" for outcome in Outcome)
            for kind, counts in rows
        ]
        lines.append("")
    todo = left(report)
    if todo:
        lines.append("Left to do by hand, the most work first:")
        lines += [f"  {row.path}: {row.kinds}" for row in todo[:10]]
        if len(todo) > 10:
            lines.append(f"  and {len(todo) - 10} more files")
        lines.append("")
    lines.append(total(report))
    return "\n".join(lines)
