"""What a transfer of weights did, as a value that can be saved and used again.

Assignment       one parameter: from where, to where, in which layout
TransferReport   all of them, and what was left out on either side
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import os

    from rlmigrate.compat.weights.layouts import Layout

#: Layouts of what torch has beside the parameter that a variable became.
_SECOND: frozenset[Layout] = frozenset({"zeros", "row_1"})


@dataclass(frozen=True)
class Assignment:
    """Copy `old` to `new`; `columns` then reorders the inputs of a first layer."""

    old: str
    new: str
    layouts: tuple[Layout, ...] = ()
    columns: tuple[int, ...] = ()


@dataclass(frozen=True)
class TransferReport:
    """What was copied, and what was not.

    kept: parameters of the new side that keep their values, by rule or by permission.
    dropped: parameters of the old side that have no counterpart, likewise.
    """

    assignments: tuple[Assignment, ...]
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def matched(self) -> int:
        """How many parameters and buffers of the new side got a value."""
        return len({each.new for each in self.assignments})

    @property
    def total(self) -> int:
        """How many parameters and buffers the new side has."""
        return self.matched + len(self.kept)

    @property
    def mapping(self) -> Mapping[str, str]:
        """Old name to new name, of every parameter that was copied."""
        return {each.old: each.new for each in self.assignments if not _SECOND & set(each.layouts)}

    @property
    def renames(self) -> Mapping[str, str]:
        """The part of `mapping` where the name changes."""
        return {old: new for old, new in self.mapping.items() if old != new}

    def to_json(self) -> str:
        """Return the report as JSON that `from_json` reads back."""
        return json.dumps({"version": 1, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a report written by `to_json`; use it as `transfer_weights(mapping=...)`."""
        data = json.loads(text)
        return cls(
            assignments=tuple(
                Assignment(each["old"], each["new"], tuple(each["layouts"]), tuple(each["columns"]))
                for each in data["assignments"]
            ),
            kept=tuple(data["kept"]),
            dropped=tuple(data["dropped"]),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report as JSON."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a report that `save` wrote."""
        return cls.from_json(Path(path).read_text(encoding="utf-8"))
