"""A list of known items, for repositories that migrate step by step.

write_baseline     keep a report's items
without_baseline   leave the kept ones out of a report
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

from rlmigrate.errors import UsageError
from rlmigrate.migrate.findings import Item, Report


def write_baseline(report: Report, path: Path) -> None:
    """Write the report's items to `path`; places are left out, so that they may move."""
    rows = sorted(_key(item) for item in report.items)
    text = json.dumps({"version": 1, "items": rows}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def without_baseline(report: Report, path: Path) -> Report:
    """Return the report without the items in `path`, each counted as often as it is listed."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["items"]
        known = Counter((str(row[0]), str(row[1]), str(row[2])) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UsageError(
            f"{path}: no baseline; write one with: rlmigrate scan --write-baseline {path}"
        ) from error
    items = []
    for item in report.items:
        if known[_key(item)] > 0:
            known[_key(item)] -= 1
        else:
            items.append(item)
    return dataclasses.replace(report, items=tuple(items))


def _key(item: Item) -> tuple[str, str, str]:
    return (Path(item.path).as_posix(), item.code, item.name)
