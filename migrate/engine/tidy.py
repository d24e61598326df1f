"""Blank lines around statements that are removed.

tidy        let removals of whole lines take the surplus blank lines with them
gap_edits   leave no more than two blank lines in a row, where the file had no more
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.source import SourceFile, Span


def tidy(source: SourceFile, edits: Iterable[Edit]) -> list[Edit]:
    """Widen removals of whole lines so that no more blank lines meet than stood on one side."""
    found = sorted(set(edits))
    removals = [edit for edit in found if not edit.text and _whole_lines(source, edit.span)]
    touched = {edit.span.start for edit in found} | {edit.span.end for edit in found}
    written = {edit.span.start for edit in found if edit.text}
    result = [edit for edit in found if edit not in removals]
    at = 0
    while at < len(removals):
        last = at
        while last + 1 < len(removals) and _meet(source, removals[last], removals[last + 1]):
            last += 1
        first_edit, last_edit = removals[at], removals[last]
        above = _blank_above(source, first_edit.span.start)
        below = _blank_below(source, last_edit.span.end)
        end = last_edit.span.end
        cut = min(above[0], below[0])
        replaced = written & {first_edit.span.start, end}  # by text in the same place
        if cut and not replaced and not any(end < place <= below[1][cut - 1] for place in touched):
            last_edit = replace(last_edit, span=Span(last_edit.span.start, below[1][cut - 1]))
        result += [*removals[at:last], last_edit]
        at = last + 1
    return sorted(result)


_GAP = re.compile(r"\r?\n(?:[ \t]*\r?\n){2}((?:[ \t]*\r?\n)+)")


def gap_edits(source: SourceFile, before: SourceFile) -> Iterator[Edit]:
    """Take the third and further blank lines of a row, unless `before` has such rows itself."""
    if _GAP.search(before.text):
        return
    for found in _GAP.finditer(source.text):
        yield Edit(Span(*found.span(1)), "", "RLM000")


def _whole_lines(source: SourceFile, span: Span) -> bool:
    text = source.text
    begins = span.start == 0 or text[span.start - 1] in "\r\n"
    return begins and span.end > span.start and text[span.end - 1] in "\r\n"


def _meet(source: SourceFile, one: Edit, two: Edit) -> bool:
    """Tell whether only blank space stands between two removals; none counts as meeting."""
    return not source.text[one.span.end : two.span.start].strip() and (
        one.span.end == two.span.start
    )


def _blank_above(source: SourceFile, offset: int) -> tuple[int, list[int]]:
    line = source.line_of(offset) if offset < len(source.text) else source.text.count("\n") + 1
    count = 0
    while line - count > 1 and not _line(source, line - count - 1).strip():
        count += 1
    return count, []


def _blank_below(source: SourceFile, offset: int) -> tuple[int, list[int]]:
    ends: list[int] = []
    at = offset
    while at < len(source.text):
        span = source.line_span(source.line_of(at), source.line_of(at))
        if source.text[span.start : span.end].strip():
            break
        ends.append(span.end)
        if span.end <= at:
            break
        at = span.end
    return len(ends), ends


def _line(source: SourceFile, number: int) -> str:
    span = source.line_span(number, number)
    return source.text[span.start : span.end]
