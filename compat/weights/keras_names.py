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
    old: Mapping[str, Sequence[int]], new: Iterable[str], made: Mapping[str, int] | None = None
) -> list[tuple[str, str, tuple[Layout, ...]]]:
    """Pair variables (with their shapes) and parameters of layers named alike.

    Layers without a name of their own count as long as both sides have as many of the kind: the
    first of one is the first of the other. `made` numbers the new layers, by their whole names, in
    the order in which they were made; without it their own numbers say it, if none stands for two.
    A name that stands for several layers pairs nothing.

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
        after.setdefault((".".join(owners), part), []).append(name)
    same = _same_layers({layer for layer, _ in before}, {layer for layer, _ in after}, made or {})
    return [
        pair
        for (layer, part), names in before.items()
        if layer in same and len(names) == 1 and len(after.get((same[layer], part), ())) == 1
        for pair in _targets(names[0], after[same[layer], part][0], old)
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


def _same_layers(before: set[str], after: set[str], made: Mapping[str, int]) -> dict[str, str]:
    """Old layer to new: by their names, and by their order those that Keras numbered."""
    named: dict[str, list[str]] = {}
    for owner in after:
        named.setdefault(owner.rpartition(".")[2], []).append(owner)
    found = {
        layer: named[layer][0]
        for layer in before
        if not _kind(layer) and len(named.get(layer, ())) == 1
    }
    for kind in _KINDS:
        old = sorted((layer for layer in before if _kind(layer) == kind), key=_number)
        alike = {name: owners for name, owners in named.items() if _kind(name) == kind}
        new = [owner for owners in alike.values() for owner in owners]
        if all(owner in made for owner in new):
            new.sort(key=lambda owner: made[owner])
        elif all(len(owners) == 1 for owners in alike.values()):
            new.sort(key=lambda owner: _number(owner.rpartition(".")[2]))
        else:
            continue
        if len(old) == len(new):
            found |= dict(zip(old, new, strict=True))
    return found


def _kind(layer: str) -> str:
    match = _NUMBERED.fullmatch(layer)
    return match["kind"] if match else ""


def _number(layer: str) -> int:
    match = _NUMBERED.fullmatch(layer)
    return int(match["number"] or 0) if match else 0
