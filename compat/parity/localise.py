"""Where two networks part: layer by layer, free-running and with the old layer's own input.

Layers are matched by the parameters they own, since the weights were copied and identity is
known; layers without parameters by their path. Never by order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.causes import activation, relation
from rlmigrate.compat.parity.results import LayerResult
from rlmigrate.compat.parity.sides.base import Run, Side, Tap


@dataclass(frozen=True)
class Location:
    """Errors of all matched layers in running order, the first divergent one and a cause."""

    layers: tuple[LayerResult, ...]
    first: str | None
    cause: str | None


@dataclass(frozen=True)
class _Match:
    old: str
    new: str
    tap: Tap
    other: Tap


def localise(
    old: Side,
    new: Side,
    case: Case,
    *,
    mapping: Mapping[str, str],
    prefix: str,
    limit: float,
) -> Location:
    """Find the first divergent layer of a failing case, and every faulty one."""
    ours = old.run(case, layers=True)
    theirs = new.run(case, layers=True)
    try:
        wide: Run | None = old.run(case, precision="float64", layers=True)
    except (RuntimeError, TypeError, ValueError):
        wide = None
    inverse = {target.removeprefix(prefix): source for source, target in mapping.items()}
    matches, silent = _match(ours.layers, theirs.layers, inverse)
    rows = [_judge(old, new, match, wide) for match in matches]
    rows += [
        LayerResult(name, "", None, None, "the new module does not call this layer")
        for name in silent
    ]
    first, cause = _explain(matches, rows, limit)
    if first is None and cause is None:
        cause = _output_relation(ours, theirs)
        first = "after the last layer" if matches and not silent else None
    elif cause is None:
        cause = _output_relation(ours, theirs)
    return Location(tuple(rows), first, cause)


def _match(
    ours: Mapping[str, Tap], theirs: Mapping[str, Tap], inverse: Mapping[str, str]
) -> tuple[list[_Match], list[str]]:
    """Pair layers; also name the old layers with parameters that the new side never calls."""

    def key(name: str, tap: Tap, names: Mapping[str, str]) -> object:
        owned = frozenset(names.get(p, p) for p in tap.parameters)
        return owned if owned else name

    by_key = {key(name, tap, inverse): name for name, tap in theirs.items()}
    by_path = {name.removeprefix("legacy_model."): name for name in theirs}
    matches, silent = [], []
    for name, tap in ours.items():
        found = by_key.get(key(name, tap, {}))
        if found is None and not tap.parameters:
            found = by_path.get(name)
        if found is not None:
            matches.append(_Match(name, found, tap, theirs[found]))
        elif tap.parameters:
            silent.append(name)
    return matches, silent


def _ratio(new: Array, old: Array, wide: Array | None) -> float | None:
    """Give the error in units of noise, of results that may differ in batch and time axes."""
    if new.size != old.size:
        return None
    if np.array_equal(new.reshape(old.shape), old, equal_nan=True):
        return 0.0
    reference = old.astype(np.float64) if wide is None or wide.size != old.size else wide
    reference = reference.reshape(old.shape)
    shaped = new.reshape(old.shape)
    finite = np.isfinite(shaped) & np.isfinite(old) & np.isfinite(reference)
    if not finite.any():
        return None
    error = float(measures.absolute(reference[finite], shaped[finite]).max())
    return error / measures.noise_floor(old[finite], reference[finite])


def _worse(one: float | None, two: float | None) -> float | None:
    return two if one is None else one if two is None else max(one, two)


def _judge(old: Side, new: Side, match: _Match, wide: Run | None) -> LayerResult:
    free: float | None = None
    forced: float | None = None
    wide_tap = wide.layers.get(match.old) if wide else None
    # A module may run a layer again for its values; the old model's calls are what counts.
    for i, result in enumerate(match.tap.outputs[: len(match.other.outputs)]):
        reference = (
            wide_tap.outputs[i] if wide_tap is not None and i < len(wide_tap.outputs) else None
        )
        free = _worse(free, _ratio(match.other.outputs[i], result, reference))
    inputs = match.tap.inputs[0]
    alone = new.run_layer(match.new, inputs)
    if alone is not None:
        own = old.run_layer(match.old, inputs)
        exact = old.run_layer(match.old, inputs, precision="float64")
        if own is not None:
            forced = _ratio(alone, own, exact)
    message = ""
    if match.tap.kind != match.other.kind:
        message = f"{match.tap.kind} in the legacy model, {match.other.kind} in the new one"
    elif len(match.tap.outputs) > len(match.other.outputs):
        message = f"called {len(match.tap.outputs)} times, new {len(match.other.outputs)}"
    return LayerResult(match.old, match.new, free, forced, message)


def _explain(
    matches: list[_Match], rows: list[LayerResult], limit: float
) -> tuple[str | None, str | None]:
    """Name the first layer that is wrong by itself, or else the first that is given wrong input."""
    for i, row in enumerate(rows[: len(matches)]):
        if row.forced is not None and row.forced > limit:
            return row.old, _layer_cause(matches[i], row)
        if row.free is not None and row.free > limit:
            return _wrong_input(matches, i)
    for row in rows[len(matches) :]:
        return row.old, row.message
    return None, None


def _layer_cause(match: _Match, row: LayerResult) -> str:
    if row.message:
        return row.message
    if "Norm" in match.tap.kind:
        return f"{match.tap.kind}: same weights, so epsilon or another option differs"
    if match.tap.kind in ("LSTM", "GRU", "RNN"):
        return f"{match.tap.kind}: same weights, so batch order, bidirection or dropout differs"
    return f"{match.tap.kind}: same weights and input, other output"


def _wrong_input(matches: list[_Match], i: int) -> tuple[str, str | None]:
    """Explain a layer that is right but is given something else than the old one."""
    match = matches[i]
    ours, theirs = match.tap.inputs[0], match.other.inputs[0]
    where = f"input of {match.old}"
    if len(ours) != len(theirs) or not ours or ours[0].size != theirs[0].size:
        return where, "other number or size of inputs"
    old_in, new_in = ours[0], theirs[0].reshape(ours[0].shape)
    for earlier in reversed(matches[:i]):
        before_old = earlier.tap.outputs[0]
        before_new = earlier.other.outputs[0]
        if before_old.shape != old_in.shape or before_new.size != new_in.size:
            continue
        left = activation(before_old, old_in)
        right = activation(before_new.reshape(new_in.shape), new_in)
        if left and right and left != right:
            return where, f"activation after {earlier.old}: {left} became {right}"
    found = relation(old_in, new_in)
    return where, f"{found}" if found else None


def _output_relation(ours: Run, theirs: Run) -> str | None:
    for path, value in ours.outputs.items():
        other = theirs.outputs.get(path)
        if other is None or value.dtype.kind != "f" or np.array_equal(value, other):
            continue
        found = relation(value, other)
        if found:
            return f"{path} {found}"
    return None
