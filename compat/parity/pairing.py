"""Which old parameter is which new one, and whether their values are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.results import Finding, ParameterResult
from rlmigrate.compat.parity.sides.tf_weights import laid_out_like


@dataclass(frozen=True)
class Pairing:
    """Old name to new name, and what has no counterpart."""

    mapping: Mapping[str, str]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]


def pair_names(
    old: Mapping[str, Array],
    new: Mapping[str, Array],
    *,
    prefix: str = "",
    mapping: Mapping[str, str] | None = None,
    constants: frozenset[str] = frozenset(),
    allow: Sequence[str] = (),
) -> Pairing:
    """Pair names: the given mapping first, then `prefix + name`, then equal names.

    `constants` are new buffers that no old parameter fills; `allow` are patterns of names that
    may stay alone on either side.
    """
    pairs: dict[str, str] = {}
    for name in old:
        for candidate in ((mapping or {}).get(name), f"{prefix}{name}", name):
            if candidate is not None and candidate in new:
                pairs[name] = candidate
                break
    taken = set(pairs.values())

    def alone(name: str) -> bool:
        return not any(fnmatchcase(name, pattern) for pattern in allow)

    return Pairing(
        pairs,
        tuple(name for name in old if name not in pairs and alone(name)),
        tuple(n for n in new if n not in taken and n not in constants and alone(n)),
    )


def _relaid(left: Array, right: Array) -> bool:
    """Tell whether both hold the same numbers in another layout (HWIO and OIHW, 1x1 kernels)."""
    return (
        left.size == right.size
        and left.shape != right.shape
        and np.array_equal(np.sort(left, axis=None), np.sort(right, axis=None))
    )


def compare_parameters(
    old: Mapping[str, Array], new: Mapping[str, Array], pairing: Pairing
) -> tuple[ParameterResult, list[Finding]]:
    """Demand equal bits of every pair, and a counterpart for every parameter."""
    findings = []
    different = []
    for name, partner in pairing.mapping.items():
        left, right = laid_out_like(name, partner, old[name]), new[partner]
        if _relaid(left, right):
            continue
        if left.shape != right.shape:
            different.append(name)
            text = f"shape {right.shape} of {partner}, expected {left.shape}"
            findings.append(Finding("parameter", f"parameters.{name}", text))
        elif not np.array_equal(left, right, equal_nan=left.dtype.kind == "f"):
            different.append(name)
            gap = np.abs(left.astype(np.float64) - right.astype(np.float64)).max()
            text = f"{partner} differs by up to {gap:.3g}; the two sides hold other weights"
            findings.append(Finding("parameter", f"parameters.{name}", text))
    for name in pairing.only_old:
        text = "has no counterpart in the new module"
        findings.append(Finding("unmatched", f"parameters.{name}", text))
    for name in pairing.only_new:
        text = "of the new module has no counterpart in the old model"
        findings.append(Finding("unmatched", f"parameters.{name}", text))
    total = len(pairing.mapping) + len(pairing.only_old) + len(pairing.only_new)
    matched = len(pairing.mapping) - len(different)
    result = ParameterResult(
        matched,
        total,
        pairing.only_old,
        pairing.only_new,
        tuple(different),
        {a: b for a, b in pairing.mapping.items() if a != b},
    )
    return result, findings
