"""One batch that both sides compute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rlmigrate.compat.parity.arrays import Array, Nested, first_leaf


@dataclass(frozen=True)
class Case:
    """A named batch.

    `obs` and `actions` are nested with leaves `[B, ...]`. With `seq_lens: int32[N]` the rows are
    sequences padded to `max(seq_lens)` steps, `B = N * T`; `state` then holds leaves `[N, ...]`
    in the old model's order, and is None for the initial state.
    `extra` holds further columns (previous actions and rewards).
    """

    name: str
    obs: Nested
    actions: Nested
    seq_lens: Array | None = None
    state: tuple[Array, ...] | None = None
    extra: tuple[tuple[str, Array], ...] = ()

    @cached_property
    def rows(self) -> int:
        """Size of the leading axis."""
        return int(first_leaf(self.obs).shape[0])

    @cached_property
    def steps(self) -> int:
        """Steps of the longest sequence; 1 without sequences."""
        return self.rows // len(self.seq_lens) if self.seq_lens is not None else 1

    def richness(self) -> tuple[bool, int]:
        """Order cases by how much of a network they reach: sequences first, then rows."""
        return self.steps > 1, self.rows
