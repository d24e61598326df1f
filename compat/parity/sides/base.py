"""What a comparison asks of either party; all arguments and results are numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, Protocol

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case

Precision = Literal["float32", "float64"]

#: Other ways of a module to the same output; the old model has one, which all are compared with.
PHASES = ("inference.", "exploration.", "train.", "next.", "target.")


@cache
def source_of(path: str) -> str:
    """Give the old output that a path of the new side is compared with.

    >>> source_of("next.target.q_values")
    'q_values'
    """
    for phase in PHASES:
        path = path.removeprefix(phase)
    return path


@dataclass(frozen=True)
class Tap:
    """What went into and came out of one layer, call by call."""

    kind: str
    parameters: tuple[str, ...]
    inputs: tuple[tuple[Array, ...], ...]
    outputs: tuple[Array, ...]


@dataclass(frozen=True)
class Run:
    """Outputs of one case by path; `errors` says why an output is missing."""

    outputs: Mapping[str, Array]
    errors: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Tap] = field(default_factory=dict)


@dataclass(frozen=True)
class Gradients:
    """Vector-Jacobian products by path: `parameters.NAME` and `inputs.PATH`; None where absent."""

    values: Mapping[str, Array | None]


class Side(Protocol):
    """One party: a model, a module, or numbers recorded earlier."""

    @property
    def label(self) -> str:
        """Qualified class name, or the recording's path."""
        ...

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state's leaves, without batch axis; empty if stateless."""
        ...

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints: versions, threads, dtype, mode, spaces."""
        ...

    def session(self) -> AbstractContextManager[None]:
        """Hold the party ready for runs, and leave it as it was."""
        ...

    def parameters(self) -> dict[str, Array]:
        """Copy parameters and persistent buffers by name."""
        ...

    def trainable(self) -> frozenset[str]:
        """Name the parameters that are learned, not buffers."""
        ...

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite parameters by name."""
        ...

    def run(self, case: Case, *, precision: Precision = "float32", layers: bool = False) -> Run:
        """Compute a case."""
        ...

    def run_many(
        self, cases: Sequence[Case], *, precision: Precision = "float32"
    ) -> list[Run | Exception]:
        """Compute cases; an exception stands where a case raised one."""
        ...

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Compute one layer alone; None if it cannot run alone."""
        ...

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Pull seeded cotangents of all differentiable outputs back to parameters and inputs."""
        ...

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Give KL(old || new) of distribution inputs `[B, K]` by the party's class: float64[B]."""
        ...
