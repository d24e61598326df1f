"""What changes together: a config dict, and the calls that take it.

Group      decisions, edits and imports of one dict
surplus    arguments of a constructor that build_algo() does not take
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rlmigrate.migrate.configs.consumers import Consumer
from rlmigrate.migrate.configs.decision import Decision
from rlmigrate.migrate.edits import Edit, Imports


@dataclass
class Group:
    """Everything that changes together: a dict and the calls that take it."""

    decisions: list[Decision] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    imports: Imports = field(default_factory=Imports)
    calls: list[Consumer] = field(default_factory=list)
    problem: str | None = None
    message: str = ""


def surplus(consumer: Consumer) -> str:
    """Name the arguments of a constructor that build_algo() does not take."""
    known = {"config", "env"}
    names = [k.arg or "**" for k in consumer.call.keywords if k.arg not in known]
    return ", ".join([*names, *(["more arguments"] if len(consumer.call.args) > 2 else [])])
