"""What the emitter hands back.

Emitted   edits, imports, and the layers that the new text needs
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rlmigrate.migrate.edits import Edit, Imports


@dataclass(frozen=True)
class Emitted:
    """One class written anew; `layers` are names of `rlmigrate.new_stack.layers` it uses."""

    edits: tuple[Edit, ...]
    imports: Imports = field(default_factory=Imports)
    layers: frozenset[str] = frozenset()
