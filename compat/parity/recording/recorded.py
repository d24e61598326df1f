"""A recording as one side of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.recording.format import Recording
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Run
from rlmigrate.errors import UsageError


class RecordedSide:
    """Answers from numbers recorded earlier; cannot run layers or gradients."""

    def __init__(self, recording: Recording, *, path: Path | None = None) -> None:
        self.recording = recording
        self._path = path

    @property
    def label(self) -> str:
        """Class that was recorded, and where."""
        where = f" ({self._path})" if self._path else ""
        return f"{self.recording.label}{where}"

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state."""
        return self.recording.state_sizes

    def facts(self) -> Mapping[str, str]:
        """Give what the recorder ran on."""
        return self.recording.facts

    @contextmanager
    def session(self) -> Iterator[None]:
        """Do nothing: numbers need no preparation."""
        yield

    def parameters(self) -> dict[str, Array]:
        """Give the recorded parameters."""
        return dict(self.recording.parameters)

    def trainable(self) -> frozenset[str]:
        """Name the learned parameters."""
        return self.recording.trainable

    def load(self, values: Mapping[str, Array]) -> None:
        """Refuse: the past cannot be changed."""
        raise UsageError("a recording holds the weights it was made with; record again instead")

    def run(self, case: Case, *, precision: Precision = "float32", layers: bool = False) -> Run:
        """Look a case up by its name."""
        runs = self.recording.runs if precision == "float32" else self.recording.wide_runs
        if case.name not in runs:
            raise UsageError(f"the recording has no {precision} numbers of case {case.name!r}")
        return runs[case.name]

    def run_many(
        self, cases: Sequence[Case], *, precision: Precision = "float32"
    ) -> list[Run | Exception]:
        """Look cases up."""
        found: list[Run | Exception] = []
        for case in cases:
            try:
                found.append(self.run(case, precision=precision))
            except UsageError as error:
                found.append(error)
        return found

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Give nothing: layers are not recorded."""
        return None

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Refuse: gradients are not recorded."""
        raise UsageError("gradients are not recorded")

    def segments(self, width: int) -> tuple[tuple[int, int], ...]:
        """Give the categorical parts of the logits."""
        return self.recording.segments
