"""What becomes of one argument of a config.

Gain        an argument that the config gains
Decision    one old argument: its outcome, and what it becomes
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.configs.writing import Piece
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Kind, Outcome


@dataclass(frozen=True)
class Gain:
    """`.method(name=value)`, under comments of its own."""

    method: str
    name: str
    value: Piece | str
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What becomes of one argument; a manual or unchanged one gains nothing and stays."""

    code: str
    name: str
    outcome: Outcome
    message: str
    node: ast.expr | ast.keyword
    gains: tuple[Gain, ...] = ()
    imports: Imports = field(default_factory=Imports)
    kind: Kind = Kind.CONFIG
    new_name: str | None = None

    @property
    def stays(self) -> bool:
        """Whether the argument is left as it stands."""
        return self.outcome in (Outcome.MANUAL, Outcome.UNCHANGED)
