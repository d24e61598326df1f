"""What a team lead asks of a report: what was done, what is left, where, in which order.

by_kind    items by kind and outcome
left       files with work left, the most first
total      one line
EFFORT     what an item costs a person
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rlmigrate.migrate.findings import Kind, Outcome, Report

#: Rough weight of a manual item by its kind, for ordering only.
EFFORT: Mapping[Kind, int] = {
    Kind.POLICY: 8,
    Kind.MODEL: 8,
    Kind.DISTRIBUTION: 5,
    Kind.MODULE: 4,
    Kind.CALLBACK: 3,
    Kind.CALL: 2,
    Kind.CHECKPOINT: 2,
    Kind.CONFIG: 1,
    Kind.IMPORT: 1,
}


def by_kind(report: Report) -> list[tuple[Kind, dict[Outcome, int]]]:
    """Count items by kind, then outcome."""
    counts = Counter((item.kind, item.outcome) for item in report.items)
    return [
        (kind, {outcome: counts[kind, outcome] for outcome in Outcome})
        for kind in Kind
        if any(counts[kind, outcome] for outcome in Outcome)
    ]


def left(report: Report) -> list[tuple[str, int, int]]:
    """List files with manual items as (path, items, effort), the most effort first."""
    items: Counter[str] = Counter()
    effort: Counter[str] = Counter()
    for item in report.items:
        if item.outcome is Outcome.MANUAL:
            items[item.path] += 1
            effort[item.path] += EFFORT[item.kind]
    return sorted(
        ((path, items[path], effort[path]) for path in items), key=lambda row: (-row[2], row[0])
    )


def total(report: Report) -> str:
    """Sum the report up in one line."""
    s = report.summary
    counts = (("native", s.native), ("bridged", s.bridged), ("manual", s.manual))
    words = [f"{count} {name}" for name, count in (*counts, ("unchanged", s.unchanged)) if count]
    items = len(report.items)
    line = f"{items} item{'s' * (items != 1)}" + (f": {', '.join(words)}" if words else "")
    if s.files_failed:
        line += f"; {s.files_failed} file{'s' * (s.files_failed != 1)} failed"
    return line
