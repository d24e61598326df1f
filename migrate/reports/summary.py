"""What a team lead asks of a report: what was done, what is left, where, in which order.

by_kind    items by kind and outcome
Left       one file with work left
left       those files, the most work first
total      one line
EFFORT     what an item costs a person
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Left:
    """The manual items of one file: how many, their weight, and what they are."""

    path: str
    items: int
    effort: int
    kinds: str


def left(report: Report) -> list[Left]:
    """List the files with manual items, the most effort first."""
    kinds: dict[str, Counter[Kind]] = {}
    for item in report.items:
        if item.outcome is Outcome.MANUAL:
            kinds.setdefault(item.path, Counter())[item.kind] += 1
    rows = [
        Left(
            path,
            counts.total(),
            sum(EFFORT[kind] * count for kind, count in counts.items()),
            ", ".join(_counted(count, kind) for kind in EFFORT if (count := counts[kind])),
        )
        for path, counts in kinds.items()
    ]
    return sorted(rows, key=lambda row: (-row.effort, row.path))


def _counted(count: int, kind: Kind) -> str:
    plural = "policies" if kind is Kind.POLICY else f"{kind}s"
    return f"{count} {plural if count != 1 else kind}"


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
