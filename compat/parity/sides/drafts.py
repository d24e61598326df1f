"""From distribution inputs to what a distribution says, for many cases in one go.

Draft          a case whose network has run, its distribution still to be asked
finish         ask the distribution, once for all cases whose rows can be stacked
Distribution   what a side says of its distribution: one function for each output
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch

from rlmigrate.compat.parity.arrays import Array, Nested, flatten, map_leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides.alike import said
from rlmigrate.compat.parity.sides.base import Precision, Run, Tap
from rlmigrate.compat.parity.sides.torch_common import array, tensors

#: Named results of a distribution with inputs `[B, K]` and actions `[B, ...]`.
Distribution: TypeAlias = Callable[[torch.Tensor, Nested], Iterable[tuple[str, Callable[[], Any]]]]


@dataclass
class Draft:
    """Outputs of a network; `logits` are kept for the distribution, None if there are none."""

    case: Case
    logits: torch.Tensor | None
    outputs: dict[str, Array] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    layers: dict[str, Tap] = field(default_factory=dict)

    def run(self) -> Run:
        """Give the finished run."""
        return Run(self.outputs, self.errors, self.layers)


def finish(drafts: Sequence[Draft], distribution: Distribution, precision: Precision) -> None:
    """Enter logp, entropy, KL and deterministic action into each draft that lacks them.

    Cases of equal width go to the distribution together; if it refuses one of them, each alone.
    """
    groups: dict[tuple[object, ...], list[Draft]] = {}
    for draft in drafts:
        if draft.logits is not None:
            groups.setdefault((draft.logits.shape[1:], draft.logits.dtype), []).append(draft)
    for group in groups.values():
        if len(group) == 1 or not _finish_together(group, distribution, precision):
            for draft in group:
                found, draft.errors = _ask(
                    draft.logits, draft.case.actions, distribution, precision, draft.errors
                )
                draft.outputs.update({**found, **draft.outputs})


def _finish_together(
    group: Sequence[Draft], distribution: Distribution, precision: Precision
) -> bool:
    logits = [draft.logits for draft in group if draft.logits is not None]
    sizes = [len(part) for part in logits]
    actions = _concatenated([draft.case.actions for draft in group])
    found, errors = _ask(torch.cat(logits), actions, distribution, precision, {})
    total = sum(sizes)
    if any(value.ndim == 0 or len(value) != total for value in found.values()):
        return False
    if any(name != "kl" and "NotImplementedError" not in text for name, text in errors.items()):
        return False
    ends = np.cumsum(sizes)
    for draft, stop, size in zip(group, ends, sizes, strict=True):
        rows = {name: value[stop - size : stop] for name, value in found.items()}
        draft.outputs.update({**rows, **draft.outputs})
        draft.errors.update(errors)
    return True


def _ask(
    logits: torch.Tensor | None,
    actions: Nested,
    distribution: Distribution,
    precision: Precision,
    errors: Mapping[str, str],
) -> tuple[dict[str, Array], dict[str, str]]:
    found: dict[str, Array] = {}
    troubles = dict(errors)
    assert logits is not None
    for name, compute in distribution(logits, tensors(actions, precision)):
        try:
            result = compute()
        except Exception as error:  # a user's distribution may raise anything
            troubles[name] = said(error)
        else:
            if result is not None:
                found.update(flatten(map_leaves(array, result), name))
    return found, troubles


def _concatenated(structures: Sequence[Nested]) -> Nested:
    head = structures[0]
    if isinstance(head, Mapping):
        return {key: _concatenated([item[key] for item in structures]) for key in head}
    if isinstance(head, tuple | list):
        return tuple(_concatenated([item[i] for item in structures]) for i in range(len(head)))
    return np.concatenate([np.asarray(item) for item in structures])
