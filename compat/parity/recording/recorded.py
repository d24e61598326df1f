"""A recording as one side of a comparison.

Layers and gradients are those of one case, the one that reaches most of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.recording.format import Recording
from rlmigrate.compat.parity.recording.parts import RecordedParts
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Run
from rlmigrate.errors import UsageError


class RecordedSide:
    """Answers from numbers recorded earlier; cannot run anything else."""

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
            part = None if layers else self._parts.find(case)
            if part is None or part[0] not in runs:
                raise UsageError(f"the recording has no {precision} numbers of case {case.name!r}")
            return self._parts.take(case, runs[part[0]], *part)
        found = runs[case.name]
        if layers and not found.layers:
            raise UsageError("the recording has no layers of this case")
        return found

    @cached_property
    def _parts(self) -> RecordedParts:
        return RecordedParts(self.recording.cases)

    def after_step(self, case: Case, precision: Precision) -> Mapping[str, Array]:
        """Give the outputs of the studied case after one step of gradient descent.

        Raises:
            UsageError: they are not recorded.
        """
        wide = precision == "float64"
        found = self.recording.wide_step if wide else self.recording.step
        if case.name != self.studied or not found:
            raise UsageError(f"the recording has no {precision} optimiser step of {case.name!r}")
        return found

    @property
    def studied(self) -> str:
        """Name of the case with layers and gradients; "" if there is none."""
        return self.recording.studied

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

    @property
    def steps(self) -> bool:
        """Tell whether an optimiser step is recorded."""
        return bool(self.recording.step)

    def gaps(self) -> tuple[str, ...]:
        """Say what the recording does not hold, and so was not compared."""
        if not self.recording.gradients:
            return ("layers and gradients are not recorded, and were not compared",)
        step = "" if self.recording.step else "; the optimiser step is not recorded"
        return (f"layers and gradients are those of case {self.studied!r}{step}",)

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Give what a layer gave for its recorded input; None for any other."""
        one = self.recording.runs.get(self.studied, Run({})).layers.get(layer)
        runs = self.recording.runs if precision == "float32" else self.recording.wide_runs
        wanted = runs.get(self.studied, Run({})).layers.get(layer)
        if one is None or wanted is None or len(one.inputs[0]) != len(inputs):
            return None
        same = all(map(np.array_equal, one.inputs[0], inputs))
        return wanted.outputs[0] if same else None

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Give the recorded ones of the studied case.

        Raises:
            UsageError: there are none of this case.
        """
        wide = precision == "float64"
        found = self.recording.wide_gradients if wide else self.recording.gradients
        if case.name != self.studied or not found or seed:
            raise UsageError(f"the recording has no {precision} gradients of case {case.name!r}")
        return Gradients(found)

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Give nothing: a recording has no distribution class."""
        return None

    def segments(self, width: int) -> tuple[tuple[int, int], ...]:
        """Give the categorical parts of the logits."""
        return self.recording.segments
