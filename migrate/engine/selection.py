"""Findings whose edits can be made together.

select_findings   take findings in order; leave those that overlap one already taken
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from rlmigrate.migrate.rules.base import Finding
from rlmigrate.migrate.source import Span


def select_findings(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Split findings into those to apply now and those left for the next round.

    Two findings may share an edit, if it is the same edit.
    """
    taken: list[Finding] = []
    left: list[Finding] = []
    spans: list[Span] = []
    texts: dict[Span, str] = {}
    for finding in findings:
        mine = {edit.span: edit.text for edit in finding.edits}
        if any(_overlaps(spans, span) and texts.get(span) != text for span, text in mine.items()):
            left.append(finding)
            continue
        taken.append(finding)
        for span, text in mine.items():
            if span not in texts:
                insort(spans, span)
            texts[span] = text
    return taken, left


def _overlaps(spans: list[Span], span: Span) -> bool:
    """Compare with the neighbours in a sorted list of spans that do not overlap."""
    at = bisect_left(spans, span)
    for other in spans[max(at - 2, 0) : at + 2]:
        if other == span:
            if span.start != span.end:
                return True
        elif span.start < other.end and other.start < span.end:
            return True
    return False
