"""Keras variables by the names of their layers, for torch layers that are called alike.

layer_pairs   which variable is which parameter, where a layer's name says so
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rlmigrate.compat.weights.layouts import Layout
from rlmigrate.compat.weights.tf_names import cell_layouts, layouts_of

_PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "embeddings": "weight",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_CELL_PARTS = {
    "kernel": "weight_ih_l0",
    "recurrent_kernel": "weight_hh_l0",
    "bias": "bias_ih_l0",
}
#: A variable of a layer, of the cell of a recurrent one, or of what stands in a TimeDistributed.
_VARIABLE = re.compile(
    r"(?:.*/)?(?P<layer>(?!(?:lstm|gru)_cell)[^/]+)/(?P<cell>(?:lstm|gru)_cell(?:_\d+)?/)?"
    rf"(?P<part>recurrent_kernel|{'|'.join(_PARTS)})(?::0)?"
)
_STEPWISE = re.compile(r"(?P<start>(?:.*/)?time_distributed(?:_\d+)?)/[^/]+(?P<end>/[^/]+)")
#: What Keras calls layers without a name: the kind, and a number that goes on over all models.
_KINDS: tuple[str, ...] = ("batch_normalization", "conv1d", "conv2d", "dense", "embedding", "gru")
_KINDS += ("layer_normalization", "lstm", "time_distributed")
_NUMBERED = re.compile(rf"(?P<kind>{'|'.join(_KINDS)})(?:_(?P<number>\d+))?")
#: Where the layers of ours hold torch's.
_HELD = ("rnn", "layer")


def layer_pairs(
    old: Mapping[str, Sequence[int]], new: Iterable[str]
) -> list[tuple[str, str, tuple[Layout, ...]]]:
    """Pair variables (with their shapes) and parameters of layers named alike.

    Layers without a name of their own count as long as both sides have as many of the kind: the
    first of one is the first of the other. A name that stands for several layers pairs nothing.

    >>> layer_pairs({"dense_4/bias": [1], "dense_7/bias": [1]}, ["a.dense.bias", "a.dense_1.bias"])
    [('dense_4/bias', 'a.dense.bias', ()), ('dense_7/bias', 'a.dense_1.bias', ())]
    """
    before: dict[tuple[str, str], list[str]] = {}
    for name in old:
        inside = _STEPWISE.fullmatch(name)
        bare = inside["start"] + inside["end"] if inside else name
        if match := _VARIABLE.fullmatch(bare):
            parts = _CELL_PARTS if match["cell"] else _PARTS
            if match["part"] in parts:
                before.setdefault((match["layer"], parts[match["part"]]), []).append(name)
    after: dict[tuple[str, str], list[str]] = {}
    for name in new:
        *owners, part = name.split(".")
        if len(owners) > 1 and owners[-1] in _HELD:
            owners.pop()
        after.setdefault((owners[-1] if owners else "", part), []).append(name)
    same = _same_numbers({layer for layer, _ in before}, {layer for layer, _ in after})
    return [
        pair
        for key, names in before.items()
        if len(names) == 1
        and (key[0] in same or not _kind(key[0]))
        and (found := (same.get(key[0], key[0]), key[1])) in after
        and len(after[found]) == 1
        for pair in _targets(names[0], after[found][0], old)
    ]


def _targets(
    name: str, target: str, old: Mapping[str, Sequence[int]]
) -> list[tuple[str, str, tuple[Layout, ...]]]:
    """The parameters that one variable becomes: two, where it is the bias of a cell."""
    try:
        cells = cell_layouts(name, target, old)
    except ValueError:  # a GRU that torch's is not: it stays without a counterpart
        return []
    if cells is not None:
        return [(name, each, layouts) for each, layouts in cells.items()]
    return [(name, target, layouts_of(name, len(old[name])))]


def _same_numbers(before: set[str], after: set[str]) -> dict[str, str]:
    """Layers that Keras numbered: old name to new name, by their order."""
    found: dict[str, str] = {}
    for kind in _KINDS:
        sides = [
            sorted((n for n in names if _kind(n) == kind), key=_number) for names in (before, after)
        ]
        if len(sides[0]) == len(sides[1]):
            found |= dict(zip(*sides, strict=True))
    return found


def _kind(layer: str) -> str:
    match = _NUMBERED.fullmatch(layer)
    return match["kind"] if match else ""


def _number(layer: str) -> int:
    match = _NUMBERED.fullmatch(layer)
    return int(match["number"] or 0) if match else 0
