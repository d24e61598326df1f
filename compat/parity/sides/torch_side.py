"""What a legacy model and an RLModule in torch do alike when they are a side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from rlmigrate.compat.parity.arrays import Array, Nested, leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides import torch_common as common
from rlmigrate.compat.parity.sides.alike import OfNet
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Run
from rlmigrate.compat.parity.sides.drafts import Draft, finish


class TorchSide(OfNet):
    """A side around one torch module; what it computes for a case is its subclass's to say."""

    @contextmanager
    def session(self) -> Iterator[None]:
        """Hold the module in eval mode."""
        with common.evaluating(self._net):
            yield

    def parameters(self) -> dict[str, Array]:
        """Copy the state dict."""
        return common.state_arrays(self._net)

    def trainable(self) -> frozenset[str]:
        """Name the learned parameters."""
        return frozenset(name for name, _ in self._net.named_parameters())

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite parameters."""
        common.load_state(self._net, values)

    def run(self, case: Case, *, precision: Precision = "float32", layers: bool = False) -> Run:
        """Compute a case."""
        with torch.no_grad(), common.running(self._net, precision), torch.random.fork_rng([]):
            common.seed_for(case)
            draft = self._draft(case, precision, layers=layers)
            finish([draft], self._distribution, precision)
        return draft.run()

    def run_many(
        self, cases: Sequence[Case], *, precision: Precision = "float32"
    ) -> list[Run | Exception]:
        """Compute cases one by one; the distribution answers for all of them at once if it can."""
        made: list[Draft | Exception] = []
        seen: set[tuple[int, int]] = set()
        with torch.no_grad(), common.running(self._net, precision), torch.random.fork_rng([]):
            for case in cases:
                shape = (case.rows, case.steps)
                common.seed_for(case)
                try:
                    draft = self._draft(case, precision, whole=shape not in seen)
                    if not self._merges:
                        finish([draft], self._distribution, precision)
                except Exception as error:  # the user's own code may raise anything
                    made.append(error)
                else:
                    made.append(draft)
                seen.add(shape)
            if self._merges:
                finish([d for d in made if isinstance(d, Draft)], self._distribution, precision)
        return [item.run() if isinstance(item, Draft) else item for item in made]

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Compute one layer alone."""
        return common.run_layer(self._net, layer, inputs, precision)

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Pull cotangents of all outputs back to parameters and to the observations given."""
        with (
            common.running(self._net, precision),
            torch.enable_grad(),
            torch.random.fork_rng([]),
        ):
            common.seed_for(case)
            outputs, obs = self._pulled(case, precision)
            named = {
                name: value.reshape(-1) if name == "value" else value
                for name, value in outputs.items()
                if value.is_floating_point()
            }
            return common.pull_back(self._net, named, obs, seed)

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Give nothing: the new side's class is asked."""
        return None

    # ---- what differs

    @property
    def _merges(self) -> bool:
        """Tell whether the distribution works row by row, whatever cases the rows are from."""
        return True

    def _draft(
        self, case: Case, precision: Precision, *, layers: bool = False, whole: bool = True
    ) -> Draft:
        """Run the network; `whole` asks for what depends on a batch's shape alone, too."""
        raise NotImplementedError

    def _distribution(
        self, logits: torch.Tensor, actions: Nested
    ) -> Iterable[tuple[str, Callable[[], Any]]]:
        """Name what the distribution of some inputs can be asked."""
        raise NotImplementedError

    def _pulled(
        self, case: Case, precision: Precision
    ) -> tuple[Mapping[str, torch.Tensor], Nested]:
        """Give outputs that carry gradients, and the observations they are of."""
        raise NotImplementedError


def follow(obs: Nested) -> None:
    """Ask for the gradients of all float leaves."""
    for leaf in leaves(obs):
        if leaf.is_floating_point():
            leaf.requires_grad_(True)
