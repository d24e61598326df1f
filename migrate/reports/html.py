"""The report as one HTML page that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rlmigrate.migrate.findings import Outcome, Report
from rlmigrate.migrate.reports.summary import by_kind, left, total

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem }
table { border-collapse: collapse; margin: 1rem 0 2rem }
td, th { border-bottom: 1px solid #8884; padding: .3rem .8rem; text-align: left }
td { vertical-align: top }
code { font-size: .9em }
.native { color: #1a7f37 } .bridged { color: #0969da } .manual { color: #bc4c00 }
.error { color: #cf222e }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }
"""


def render(report: Report) -> str:
    """Render the report as HTML."""
    body = [f"<h1>Migration report</h1><p>{escape(total(report))}.</p>"]
    rows = by_kind(report)
    if rows:
        cells = [[escape(kind), *(str(counts[o]) for o in Outcome)] for kind, counts in rows]
        body.append(_table(["kind", *map(str, Outcome)], cells))
    todo = left(report)
    if todo:
        body.append("<h2>Left to do by hand</h2><p>The most work first.</p>")
        cells = [[f"<code>{escape(row.path)}</code>", str(row.items), row.kinds] for row in todo]
        body.append(_table(["file", "items", "what"], cells))
    failed = [file.error for file in report.files if file.error]
    if failed:
        body.append("<h2>Files that could not be done</h2><ul class='error'>")
        body += [f"<li>{escape(error)}</li>" for error in failed]
        body.append("</ul>")
    if report.items:
        body.append("<h2>Items</h2>")
        cells = [
            [
                f"<code>{escape(item.path)}:{item.line}</code>",
                escape(item.code),
                escape(item.kind),
                f"<code>{escape(item.name)}</code>",
                f"<span class='{escape(item.outcome)}'>{escape(item.outcome)}</span>",
                escape(item.message),
            ]
            for item in report.items
        ]
        body.append(_table(["place", "code", "kind", "name", "outcome", "what"], cells))
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>Migration report</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return (
        f"<table><thead><tr>{top}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table>"
    )
