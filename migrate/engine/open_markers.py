"""Markers whose construct no rule finds any more: they are work that is left.

open_markers   markers of a text that no finding accounts for, as items
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rlmigrate.migrate.engine.todo import markers
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import Finding
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile


def open_markers(source: SourceFile, findings: Iterable[Finding], settings: Settings) -> list[Item]:
    """List markers that an earlier run left and a person has not taken away."""
    found = markers(source.text)
    if not found:
        return []
    told = Counter(
        (f.item.code, " ".join(f.item.message.split()))
        for f in findings
        if f.item.outcome is Outcome.MANUAL
    )
    items = []
    for marker in found:
        if told[marker.code, marker.text] > 0:
            continue
        if not settings.wants(marker.code):
            continue
        rule = all_rules().get(marker.code)
        items.append(
            Item(
                path=str(source.path),
                line=marker.first,
                name="TODO",
                kind=rule.kind if rule is not None else Kind.CONFIG,
                outcome=Outcome.MANUAL,
                code=marker.code,
                message=f"marked by an earlier run: {marker.text}",
            )
        )
    return items
