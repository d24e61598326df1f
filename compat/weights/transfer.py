"""transfer_weights: match, check everything, then copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch

from rlmigrate.compat.weights.columns import flat_order
from rlmigrate.compat.weights.default_nets import KEPT
from rlmigrate.compat.weights.layouts import rearrange
from rlmigrate.compat.weights.matching import Mapped, Match, Side, match
from rlmigrate.compat.weights.parameters import holder_of, order_of, parameters_of, prefix_of
from rlmigrate.compat.weights.report import Assignment, TransferReport
from rlmigrate.errors import WeightsError


def transfer_weights(
    old: Any,
    new: Any,
    *,
    mapping: Mapped | None = None,
    allow_unmatched: Iterable[str] = (),
    columns: Mapping[str, Sequence[int]] | None = None,
) -> TransferReport:
    """Copy every parameter and buffer of `old` into `new`.

    Either side is a legacy model, a policy, or a wrapped, native or default module; `old` may
    be a mapping of names to arrays, such as the weights of a checkpoint, TF's included. Names
    decide; `mapping` (old name to new name, or None to leave one out; or an earlier report)
    goes first, and RLlib's default nets are known. `allow_unmatched` holds names or patterns
    ("*.target.*") that may stay without a counterpart. `columns` reorders the inputs of first
    layers (new name to old column numbers) where the two sides flatten differently.

    Raises WeightsError with all that does not match; nothing is copied then.
    """
    holder = holder_of(new)
    if holder is None:
        raise WeightsError(
            f"new is a {type(new).__qualname__}; expected a torch module or a policy with one"
        )
    before = Side(parameters_of(old, role="old"), prefix_of(old))
    after = Side(parameters_of(holder, role="new"), prefix_of(holder), order_of(holder))
    found = match(before, after, mapping)
    problems = _set_columns(found, holder_of(old), holder, columns)
    problems += found.unknown + _problems(found, before, after, tuple(allow_unmatched))
    if problems:
        raise WeightsError(
            f"{len(found.targets())}/{len(after.arrays)} parameters match; nothing was copied:\n  "
            + "\n  ".join(problems)
            + "\nName counterparts in mapping={old: new}, leave one out with mapping={old: None}, "
            "or permit it with allow_unmatched=[pattern]."
        )
    with torch.no_grad():
        for each in found.assignments:
            value = rearrange(before.arrays[each.old], each.layouts, each.columns)
            after.arrays[each.new].copy_(value)
    return TransferReport(
        assignments=tuple(found.assignments),
        kept=tuple(sorted(set(after.arrays) - found.targets())),
        dropped=tuple(sorted(set(before.arrays) - found.sources())),
    )


def _set_columns(
    found: Match, old: Any, new: Any, columns: Mapping[str, Sequence[int]] | None
) -> list[str]:
    """Put the reordering of first-layer columns into the assignments that need it."""
    order = None if old is None else flat_order(old, new)
    wanted = {name: tuple(given) for name, given in (columns or {}).items()}
    if columns is None and order is not None:
        if order.ambiguous or not found.first_layers:
            return [
                "the two sides flatten the Dict observation in different orders (that of the "
                "space, and sorted keys), and "
                + (
                    "the old stack took both"
                    if order.ambiguous
                    else "the first layers are not known by name"
                )
                + f"; pass columns={{FIRST_LAYER_WEIGHT: {list(order.columns)}}}, or columns={{}} "
                "if the old environment returned plain dicts"
            ]
        wanted = dict.fromkeys(found.first_layers, order.columns)
    found.assignments = [
        Assignment(each.old, each.new, each.layouts, wanted.get(each.new, each.columns))
        for each in found.assignments
    ]
    return [
        f"columns: new has no parameter {name!r} that is copied"
        for name in wanted
        if name not in found.targets()
    ]


def _problems(found: Match, old: Side, new: Side, allowed: tuple[str, ...]) -> list[str]:
    problems = []
    for each in found.assignments:
        target = new.arrays[each.new]
        value = rearrange(old.arrays[each.old], each.layouts, each.columns)
        if value.shape != target.shape:
            problems.append(
                f"{each.new}: shape {tuple(value.shape)} from {each.old}, "
                f"expected {tuple(target.shape)}"
            )
        elif value.is_floating_point() != target.is_floating_point():
            problems.append(f"{each.new}: {value.dtype} from {each.old}, expected {target.dtype}")
    for role, side, done in (("old", old, found.sources()), ("new", new, found.targets())):
        problems += [
            f"{role} {name} {tuple(value.shape)}: no counterpart"
            for name, value in side.arrays.items()
            if name not in done | found.left_out
            and not KEPT.search(name)
            and not _matches(name, allowed)
        ]
    return problems


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
