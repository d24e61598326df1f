"""One party in several processes, each computing its share of the cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.processes.client import RemoteSide
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Run


class SpreadSide:
    """Answers as its first member; cases are dealt out to all members, which are built alike."""

    def __init__(self, members: Sequence[RemoteSide]) -> None:
        self._members = tuple(members)
        self._first = self._members[0]
        self.prefix = self._first.prefix
        self.columns = self._first.columns
        self.protocol, self.settings = self._first.protocol, self._first.settings

    @property
    def label(self) -> str:
        """Qualified name of the class."""
        return self._first.label

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state."""
        return self._first.state_sizes

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints."""
        return self._first.facts()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Hold all members ready."""
        with ExitStack() as stack:
            for member in self._members:
                stack.enter_context(member.session())
            yield

    def parameters(self) -> dict[str, Array]:
        """Copy the parameters."""
        return self._first.parameters()

    def trainable(self) -> frozenset[str]:
        """Name the learned parameters."""
        return self._first.trainable()

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite parameters everywhere."""
        for member in self._members:
            member.load(values)

    def adopt(
        self, values: Mapping[str, Array], mapping: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Take over the old side's weights everywhere."""
        copied = [member.adopt(values, mapping) for member in self._members]
        return copied[0]

    def run(self, case: Case, *, precision: Precision = "float32", layers: bool = False) -> Run:
        """Compute a case."""
        return self._first.run(case, precision=precision, layers=layers)

    def run_many(
        self, cases: Sequence[Case], *, precision: Precision = "float32"
    ) -> list[Run | Exception]:
        """Deal the cases out, and put the answers back into order."""
        count = len(self._members)
        with ThreadPoolExecutor(count) as pool:
            shares = pool.map(
                lambda i: self._members[i].run_many(cases[i::count], precision=precision),
                range(count),
            )
            answers: list[Run | Exception | None] = [None] * len(cases)
            for i, share in enumerate(shares):
                answers[i::count] = share
        return [answer for answer in answers if answer is not None]

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Compute one layer alone."""
        return self._first.run_layer(layer, inputs, precision=precision)

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Compute vector-Jacobian products."""
        return self._first.gradients(case, precision=precision, seed=seed)

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Compute the KL divergence."""
        return self._first.divergence(old, new)

    def segments(self, width: int) -> tuple[tuple[int, int], ...]:
        """Find the categorical parts of the logits."""
        return self._first.segments(width)

    def forget(self) -> None:
        """Drop the party in all processes."""
        for member in self._members:
            member.forget()
