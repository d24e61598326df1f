"""The report as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
from pathlib import PurePath

from rlmigrate import __version__
from rlmigrate.migrate.findings import Item, Outcome, Report
from rlmigrate.migrate.rules.registry import all_rules

LEVELS = {Outcome.MANUAL: "warning", Outcome.UNCHANGED: "none"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report) -> str:
    """Render the report as SARIF, with the table of rules."""
    table = all_rules()
    codes = [*table, *sorted({item.code for item in report.items} - set(table))]
    driver = {
        "name": "rlmigrate",
        "version": __version__,
        "rules": [
            {
                "id": code,
                "name": table[code].name,
                "shortDescription": {"text": table[code].summary},
                "fullDescription": {"text": table[code].explanation},
                "helpUri": table[code].link,
            }
            if code in table
            else {"id": code}
            for code in codes
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, codes.index(item.code)) for item in report.items],
        "invocations": [
            {
                "executionSuccessful": not report.summary.files_failed,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": file.error}}
                    for file in report.files
                    if file.error
                ],
            }
        ],
    }
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _result(item: Item, index: int) -> dict[str, object]:
    return {
        "ruleId": item.code,
        "ruleIndex": index,
        "level": LEVELS.get(item.outcome, "note"),
        "kind": "informational" if item.outcome is Outcome.UNCHANGED else "fail",
        "message": {"text": f"{item.outcome} {item.kind} {item.name}: {item.message}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": PurePath(item.path).as_posix()},
                    "region": {"startLine": max(item.line, 1)},
                }
            }
        ],
        "properties": {"outcome": str(item.outcome), "kind": str(item.kind)},
    }
