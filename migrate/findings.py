"""What the codemods say about a repository: items, files, summary.

Kind, Outcome   the words of the report
Item            one legacy construct at one place, with its outcome
FileResult      one file: changed or not, or why not
Report          all of it; the JSON contract, version 1
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What an item is."""

    MODEL = "model"
    POLICY = "policy"
    DISTRIBUTION = "distribution"
    MODULE = "module"
    CONFIG = "config"
    CALL = "call"
    CALLBACK = "callback"
    CHECKPOINT = "checkpoint"
    IMPORT = "import"


class Outcome(StrEnum):
    """What becomes of an item; each item has exactly one."""

    NATIVE = "native"
    BRIDGED = "bridged"
    MANUAL = "manual"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Item:
    """One legacy construct.

    `mapping` holds parameter renames (old name to new), empty where names are kept.
    """

    path: str
    line: int
    name: str
    kind: Kind
    outcome: Outcome
    code: str
    message: str
    new_name: str | None = None
    new_path: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    column: int = 0


@dataclass(frozen=True)
class FileResult:
    """What happened to one file."""

    path: str
    changed: bool
    error: str | None = None


@dataclass(frozen=True)
class Summary:
    """Counts over a report; the four outcomes add up to the number of items."""

    native: int
    bridged: int
    manual: int
    unchanged: int
    files_changed: int
    files_failed: int


@dataclass(frozen=True)
class Report:
    """The result of `scan` or `rewrite`."""

    files: tuple[FileResult, ...]
    items: tuple[Item, ...]

    @property
    def summary(self) -> Summary:
        """Count the items by outcome and the files by fate."""
        outcomes = Counter(item.outcome for item in self.items)
        return Summary(
            native=outcomes[Outcome.NATIVE],
            bridged=outcomes[Outcome.BRIDGED],
            manual=outcomes[Outcome.MANUAL],
            unchanged=outcomes[Outcome.UNCHANGED],
            files_changed=sum(file.changed for file in self.files),
            files_failed=sum(file.error is not None for file in self.files),
        )
