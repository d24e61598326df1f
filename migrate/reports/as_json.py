"""The report as JSON, version 1: the contract for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict

from rlmigrate.migrate.findings import Report


def render(report: Report) -> str:
    """Render the report as JSON."""
    return json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"


def as_dict(report: Report) -> dict[str, object]:
    """Return the report as plain data, in the contract's order."""
    return {
        "version": 1,
        "files": [asdict(file) for file in report.files],
        "items": [
            {
                "path": item.path,
                "line": item.line,
                "name": item.name,
                "kind": str(item.kind),
                "outcome": str(item.outcome),
                "code": item.code,
                "message": item.message,
                "new_name": item.new_name,
                "new_path": item.new_path,
                "mapping": dict(item.mapping),
            }
            for item in report.items
        ],
        "summary": asdict(report.summary),
    }
