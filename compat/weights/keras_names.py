"""Keras variables by the names of their layers, for torch layers that are called alike.

layer_pairs   which variable is which parameter, where a layer's name says so
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rlmigrate.compat.weights.layouts import Layout
from rlmigrate.compat.weights.tf_names import layouts_of

_VARIABLE = re.compile(r"(?:.*/)?(?P<layer>[^/]+)/(?P<part>kernel|bias|gamma|beta)(?::0)?")
_PARTS = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
#: What Keras calls layers without a name: the kind, and a number that goes on over all models.
_NUMBERED = re.compile(r"(?P<kind>dense|conv2d|layer_normalization)(?:_(?P<number>\d+))?")


def layer_pairs(
    old: Mapping[str, int], new: Iterable[str]
) -> list[tuple[str, str, tuple[Layout, ...]]]:
    """Pair variables (with their numbers of dimensions) and parameters of layers named alike.

    Layers without a name of their own count as long as both sides have as many of the kind: the
    first of one is the first of the other. A name that stands for several layers pairs nothing.

    >>> layer_pairs({"dense_4/bias": 1, "dense_7/bias": 1}, ["net.dense.bias", "net.dense_1.bias"])
    [('dense_4/bias', 'net.dense.bias', ()), ('dense_7/bias', 'net.dense_1.bias', ())]
    """
    before: dict[tuple[str, str], list[str]] = {}
    for name in old:
        if match := _VARIABLE.fullmatch(name):
            before.setdefault((match["layer"], _PARTS[match["part"]]), []).append(name)
    after: dict[tuple[str, str], list[str]] = {}
    for name in new:
        owner, _, part = name.rpartition(".")
        after.setdefault((owner.rpartition(".")[2], part), []).append(name)
    same = _same_numbers({layer for layer, _ in before}, {layer for layer, _ in after})
    return [
        (names[0], after[key][0], layouts_of(names[0], old[names[0]]))
        for (layer, part), names in before.items()
        if len(names) == 1
        and (layer in same or not _kind(layer))
        and (key := (same.get(layer, layer), part)) in after
        and len(after[key]) == 1
    ]


def _same_numbers(before: set[str], after: set[str]) -> dict[str, str]:
    """Layers that Keras numbered: old name to new name, by their order."""
    found: dict[str, str] = {}
    for kind in ("dense", "conv2d", "layer_normalization"):
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
