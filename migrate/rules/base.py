"""What a rule is.

Case      a snippet that must not change, or a pair that must
Finding   one item with the edits that carry it out
Rule      a check over one file, with its page and cases
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Item, Kind

if TYPE_CHECKING:
    from rlmigrate.migrate.index import RepoIndex
    from rlmigrate.migrate.settings import Settings
    from rlmigrate.migrate.source import SourceFile


@dataclass(frozen=True)
class Case:
    """A snippet and what becomes of it; `after=None` says that it must not change."""

    name: str
    before: str
    after: str | None = None
    other_files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One item and the edits that carry it out; a manual item's only edit is its TODO.

    `layers` are the classes of the layers file that the new text imports.
    """

    item: Item
    edits: tuple[Edit, ...] = ()
    imports: Imports = field(default_factory=Imports)
    layers: frozenset[str] = frozenset()
    new_files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileContext:
    """What a rule reads: one file, and what is known of its repository.

    `found` is what the other rules say of the file, for late rules.
    """

    source: SourceFile
    index: RepoIndex
    settings: Settings
    found: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One migration step.

    `since` is the Ray release that made the step necessary; `link` its release note or issue.
    `check` yields findings and changes nothing; it is not asked about files that say none of
    `words` (`SourceFile.said`), where any are given. `unchanged` cases come first and are many.
    The edits of an `early` rule are made before any other rule acts on the file; a `late` rule
    speaks of what all others leave.
    """

    code: str
    name: str
    kind: Kind
    summary: str
    explanation: str
    check: Callable[[FileContext], Iterable[Finding]]
    since: str
    link: str
    safe: bool = True
    early: bool = False
    late: bool = False
    words: frozenset[str] = frozenset()
    unchanged: tuple[Case, ...] = ()
    cases: tuple[Case, ...] = ()

    def concerns(self, source: SourceFile) -> bool:
        """Tell by the words of a file alone whether it can hold what is looked for."""
        return not self.words or not self.words.isdisjoint(source.said)
