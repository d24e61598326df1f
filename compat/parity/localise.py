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
from rlmigrate.errors import UsageError

#: What torch calls Keras's layers, where a TF model is compared with a module of torch.
_KINDS = {
    "Dense": "Linear",
    "Conv1D": "Conv1d",
    "Conv2D": "Conv2d",
    "Conv3D": "Conv3d",
    "LayerNormalization": "LayerNorm",
}


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
    except (RuntimeError, TypeError, ValueError, UsageError):  # the last from a recording
        wide = None
    inverse = {target.removeprefix(prefix): source for source, target in mapping.items()}
    matches, silent = _match(ours.layers, theirs.layers, inverse)
    by_name: dict[str, tuple[_Match | None, LayerResult]] = {
        match.old: (match, _judge(old, new, match, wide)) for match in matches
    }
    for name in silent:
        text = "the new module does not call this layer"
        by_name[name] = (None, LayerResult(name, "", None, None, text))
    ordered = [by_name[name] for name in ours.layers if name in by_name]
    first, cause = _explain(ordered, limit)
    if first is None and (last := _unseen_last(silent, ours)):
        first, cause = last, "the new module does not call this layer"
    if first is None:
        first = "after the last layer" if matches else None
    if cause is None:
        cause = _output_relation(case, ours, theirs)
    return Location(tuple(row for _, row in ordered), first, cause)


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
    one, two = (_KINDS.get(tap.kind, tap.kind) for tap in (match.tap, match.other))
    if one != two:
        message = f"{match.tap.kind} in the legacy model, {match.other.kind} in the new one"
    elif match.tap.outputs[0].size != match.other.outputs[0].size:
        shapes = match.other.outputs[0].shape, match.tap.outputs[0].shape
        message = f"output of shape {shapes[0]}, expected {shapes[1]}"
    elif len(match.tap.outputs) > len(match.other.outputs):
        message = f"called {len(match.tap.outputs)} times, new {len(match.other.outputs)}"
    return LayerResult(match.old, match.new, free, forced, message)


def _explain(
    ordered: list[tuple[_Match | None, LayerResult]], limit: float
) -> tuple[str | None, str | None]:
    """Name the first layer that is wrong by itself, or else the first that is given wrong input.

    An old layer that the new module never calls is only named where numbers part after it: a
    correct rewrite may compute it in another way.
    """
    passed: list[_Match] = []
    unseen: LayerResult | None = None
    for match, row in ordered:
        if match is None:
            unseen = unseen or row
            continue
        wrong_shape = row.message.startswith("output of shape")
        if wrong_shape or (row.forced is not None and row.forced > limit):
            return row.old, _layer_cause(match, row)
        if row.free is not None and row.free > limit:
            if unseen is not None:
                return unseen.old, unseen.message
            return _wrong_input(passed, match)
        if row.free is not None:
            passed.append(match)
            unseen = None
    return None, None


def _unseen_last(silent: list[str], ours: Run) -> str | None:
    """Give the last uncalled layer whose result no other layer takes: a head, so to speak."""
    for name in reversed(silent):
        result = ours.layers[name].outputs[0]
        taken = any(
            value.shape == result.shape and np.array_equal(value, result)
            for other, tap in ours.layers.items()
            if other != name
            for call in tap.inputs
            for value in call
        )
        if not taken:
            return name
    return None


def _layer_cause(match: _Match, row: LayerResult) -> str:
    if row.message:
        return row.message
    if "Norm" in match.tap.kind:
        return f"{match.tap.kind}: same weights, so epsilon or another option differs"
    if match.tap.kind in ("LSTM", "GRU", "RNN"):
        return f"{match.tap.kind}: same weights, so batch order, bidirection or dropout differs"
    return f"{match.tap.kind}: same weights and input, other output"


def _wrong_input(passed: list[_Match], match: _Match) -> tuple[str, str | None]:
    """Explain a layer that is right but is given something else than the old one."""
    ours, theirs = match.tap.inputs[0], match.other.inputs[0]
    where = f"input of {match.old}"
    if len(ours) != len(theirs) or not ours:
        return where, f"{len(theirs)} inputs, expected {len(ours)}"
    for i, (left, right) in enumerate(zip(ours, theirs, strict=True)):
        if left.size != right.size:
            return where, f"input of shape {right.shape}, expected {left.shape}"
        shaped = right.reshape(left.shape)
        if np.array_equal(left, shaped):
            continue
        found = relation(left, shaped) or _changed_activation(passed, left, shaped)
        if i and match.tap.kind in ("GRU", "LSTM", "RNN"):
            found = "the state that goes in" + (f" is {found}" if found else " differs")
        return where, found
    return where, None


def _changed_activation(passed: list[_Match], left: Array, right: Array) -> str | None:
    """Name the activations between an earlier layer and an input, if they differ."""
    for earlier in reversed(passed):
        before = earlier.tap.outputs[0]
        other = earlier.other.outputs[0]
        if before.shape != left.shape or other.size != right.size:
            continue
        ours = activation(before, left)
        theirs = activation(other.reshape(right.shape), right)
        if ours and theirs and ours != theirs:
            return f"activation after {earlier.old}: {ours} became {theirs}"
    return None


def _output_relation(case: Case, ours: Run, theirs: Run) -> str | None:
    for path, value in ours.outputs.items():
        other = theirs.outputs.get(path)
        if other is None or value.dtype.kind != "f" or np.array_equal(value, other):
            continue
        head, _, index = path.partition(".")
        given = case.state[int(index)] if head == "state_out" and case.state else None
        if given is not None and np.array_equal(given.reshape(-1), other.reshape(-1)):
            return f"{path} is the state that went in"
        found = relation(value, other)
        if found:
            return f"{path} {found}"
    return None
