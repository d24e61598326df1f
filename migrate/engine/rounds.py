"""One file, rewritten to its fixed point.

Outcome       what became of one file
inspect       the items of a file, changing nothing
check_file    the findings behind them
check_late    those of the rules that speak of what the others leave
rewrite       the items and the new text
"""

from __future__ import annotations

import dataclasses
import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.edits import Edit, Imports, apply_edits
from rlmigrate.migrate.emit.file import layers_beside
from rlmigrate.migrate.engine.import_order import name_edits, statement_edits
from rlmigrate.migrate.engine.importing import import_edits
from rlmigrate.migrate.engine.open_markers import open_markers
from rlmigrate.migrate.engine.quotes import quote_edits
from rlmigrate.migrate.engine.selection import select_findings
from rlmigrate.migrate.engine.suppression import Suppressions, suppressions
from rlmigrate.migrate.engine.surroundings import Surroundings
from rlmigrate.migrate.engine.tidy import gap_edits, tidy
from rlmigrate.migrate.engine.todo import Todo, todo_edits
from rlmigrate.migrate.findings import Item
from rlmigrate.migrate.findings import Outcome as Fate
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.reader import read_again
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

#: A rule that needs more rounds than this does not settle.
ROUNDS = 8


@dataclass(frozen=True)
class Outcome:
    """One file after a run; `after` is None where nothing changes."""

    path: Path
    items: tuple[Item, ...] = ()
    before: bytes = b""
    after: bytes | None = None
    error: str | None = None
    new_files: dict[str, str] = field(default_factory=dict)


def inspect(
    source: SourceFile, index: RepoIndex, settings: Settings, rules: Sequence[Rule]
) -> Outcome:
    """List the items of a file."""
    findings = check_file(source, index, settings, rules)
    findings += check_late(source, index, settings, rules, findings)
    items = [finding.item for finding in findings]
    items += open_markers(source, findings, settings)
    return Outcome(source.path, tuple(items), source.raw)


def rewrite(
    source: SourceFile, index: RepoIndex, settings: Settings, rules: Sequence[Rule]
) -> Outcome:
    """Apply the rules until nothing changes; raises SourceError where that cannot be done."""
    items: list[Item] = []
    counted: Counter[tuple[str, str, str]] = Counter()
    new_files: dict[str, str] = {}
    layers: set[str] = set()
    current, found_as = source, index
    for _ in range(ROUNDS):
        found = check_file(current, index, settings, rules)
        findings = _early(found, rules)
        following = _step(current, index, findings, new_files, layers)
        late = check_late(current, index, settings, rules, found) if following is None else []
        if late:
            findings = [*findings, *late]
            following = _step(current, index, findings, new_files, layers)
        if current is source:
            said = [*found, *(late or check_late(source, index, settings, rules, found))]
            items += open_markers(source, said, settings)
        now: Counter[tuple[str, str, str]] = Counter()
        for finding in findings:
            key = (finding.item.code, finding.item.kind, finding.item.name)
            now[key] += 1
            if now[key] > counted[key]:
                counted[key] += 1
                items.append(_at_home(finding.item, source, current))
        if following is None:
            break
        current = following
        index = reread(index, current)
    else:
        raise SourceError(f"{source.path}: the rules do not settle after {ROUNDS} rounds")
    if current is not source:
        for edits_of in (statement_edits, name_edits, quote_edits, gap_edits):
            ordering = list(edits_of(current, source))
            current = _parsed(current, apply_edits(current, ordering)) if ordering else current
    beside = layers_beside(source, found_as, settings, frozenset(layers))
    _merge_new_files(new_files, beside, source.path)
    after = None if current.raw == source.raw else current.raw
    return Outcome(source.path, tuple(items), source.raw, after, None, new_files)


def _early(findings: list[Finding], rules: Sequence[Rule]) -> list[Finding]:
    """Findings that must be carried out before others are looked for; all where there are none."""
    codes = {rule.code for rule in rules if rule.early}
    first = [finding for finding in findings if finding.item.code in codes and finding.edits]
    return first or findings


def reread(index: RepoIndex, source: SourceFile) -> RepoIndex:
    """Return an index that knows a file's new text; registrations that are gone stay known."""
    old = index.files.get(source.path)
    if old is None:
        return index
    entry = read_again(source, old)
    entry = dataclasses.replace(
        entry, registrations=tuple(dict.fromkeys((*entry.registrations, *old.registrations)))
    )
    texts = {**index.texts, source.path: source.raw}
    files = {**index.files, source.path: entry}
    return dataclasses.replace(index, files=files, texts=texts, first=index.origin)


def check_file(
    source: SourceFile, index: RepoIndex, settings: Settings, rules: Iterable[Rule]
) -> list[Finding]:
    """Return every rule's findings in a file, those that a comment keeps away as unchanged."""
    now = [rule for rule in rules if not rule.late]
    return _checked(FileContext(source, index, settings), now)


def check_late(
    source: SourceFile,
    index: RepoIndex,
    settings: Settings,
    rules: Iterable[Rule],
    found: Sequence[Finding],
) -> list[Finding]:
    """Return the findings of the late rules, where the others have `found` theirs."""
    late = [rule for rule in rules if rule.late]
    return _checked(FileContext(source, index, settings, tuple(found)), late)


def _checked(context: FileContext, rules: Iterable[Rule]) -> list[Finding]:
    hidden = suppressions(context.source.text)
    return [
        _unless_hidden(finding, hidden, rule)
        for rule in rules
        if rule.concerns(context.source)
        for finding in rule.check(context)
    ]


def _unless_hidden(finding: Finding, hidden: Suppressions, rule: Rule) -> Finding:
    if not hidden.hide(rule.code, finding.item.line):
        return finding
    item = dataclasses.replace(
        finding.item,
        outcome=Fate.UNCHANGED,
        message="kept by a comment: # rlmigrate: ignore",
    )
    return Finding(item)


def _step(
    source: SourceFile,
    index: RepoIndex,
    findings: list[Finding],
    new_files: dict[str, str],
    layers: set[str],
) -> SourceFile | None:
    """Apply one round of findings, noting what they need; None where there was nothing to do."""
    changing, _ = select_findings(f for f in findings if f.edits or f.item.outcome is Fate.NATIVE)
    edits: list[Edit] = [edit for finding in changing for edit in finding.edits]
    todos = [
        Todo(finding.item.line, finding.item.code, finding.item.message)
        for finding in findings
        if finding.item.outcome is Fate.MANUAL and not finding.edits
    ]
    marks = todo_edits(source, todos) if todos else []
    taken = {edit.span for edit in edits}
    edits += [
        mark
        for mark in marks
        if not any(span.start < mark.span.end and mark.span.start < span.end for span in taken)
        and not any(span.start < mark.span.start < span.end for span in taken)
    ]
    imports = Imports()
    for finding in changing:
        imports |= finding.imports
        _merge_new_files(new_files, finding.new_files, source.path)
        layers |= finding.layers
    if not edits and not imports.wanted and not imports.unneeded:
        return None
    middle = _parsed(source, apply_edits(source, tidy(source, edits)))
    more = import_edits(
        middle,
        imports,
        before=source,
        surroundings=Surroundings.of(source.path, index),
    )
    result = _parsed(middle, apply_edits(middle, tidy(middle, more))) if more else middle
    return None if result.raw == source.raw else result


def _merge_new_files(known: dict[str, str], new: dict[str, str], path: Path) -> None:
    for name, text in new.items():
        if known.setdefault(name, text) != text:
            raise SourceError(f"{path}: two rules write {name} differently")


def _parsed(source: SourceFile, text: str) -> SourceFile:
    """Parse what a rule made; raises SourceError that names the rule's fault, not the user's."""
    result = source.with_text(text)
    try:
        _ = result.tree
        _compiled(source, result)
    except SourceError as error:
        raise SourceError(f"{error} in the rewritten text; the file is left as it was") from error
    return result


def _compiled(before: SourceFile, after: SourceFile) -> None:
    """Raise SourceError where what the compiler refuses, as an argument given twice, is new."""
    try:
        compile(after.text, str(after.path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        try:
            compile(before.text, str(before.path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return  # a cell of a notebook with `await`, or a file that never ran
        line = getattr(error, "lineno", None) or 1
        raise SourceError(f"{after.path}:{line}: {error}") from error


def _at_home(item: Item, source: SourceFile, current: SourceFile) -> Item:
    """Give an item that a later round found its line in the user's file."""
    if current is source:
        return item
    matcher = difflib.SequenceMatcher(
        None, source.text.splitlines(), current.text.splitlines(), autojunk=False
    )
    line = item.line
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if j1 < line <= j2:
            line = i1 + (line - j1) if tag == "equal" else min(i1 + 1, max(i2, 1))
            break
    return dataclasses.replace(item, line=line)
