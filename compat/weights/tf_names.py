"""TensorFlow's names and layouts of RLlib's default nets, as the torch nets have them.

torch_view      each torch parameter: the TF array it comes from, and the change of layout
layouts_of      how one variable is laid out anew
cell_layouts    the same for the variables of an LSTM or GRU, by parameter of torch
unused_in_tf    arrays that were built and never used
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from rlmigrate.compat.weights.layouts import Layout

View = dict[str, tuple[str, tuple[Layout, ...]]]

_HEADS = {
    "fc_out": "_logits",
    "conv_out": "_logits",
    "value_out": "_value_branch",
    "logits": "_logits_branch",
    "values": "_value_branch",
}
_STACKS = {
    "fc": "_hidden_layers",
    "fc_value": "_value_branch_separate",
    "conv": "_convs",
    "conv_value": "_value_branch_separate",
}
_NAME = re.compile(r"(?:.*/)?(?P<layer>\w+)/(?P<part>kernel|bias|recurrent_kernel)(?::0)?")
_WITHIN = re.compile(r"_model\.\d+\.")
_NUMBERED = re.compile(r"(fc|fc_value|conv|conv_value)_?(\d+)")


def looks_like_tf(names: Iterable[str]) -> bool:
    """Tell Keras variable names from torch parameter names."""
    found = list(names)
    return bool(found) and any("/kernel" in name for name in found)


def torch_view(shapes: Mapping[str, int]) -> View:
    """Name the parameters of a default TF net as its torch twin does.

    `shapes`: TF variable name to number of dimensions. Names that belong to no default net
    are left out.
    """
    view: View = {}
    numbers: dict[str, list[int]] = {}
    for name in shapes:
        if (match := _NAME.fullmatch(name)) and (layer := _NUMBERED.fullmatch(match["layer"])):
            numbers.setdefault(layer[1], []).append(int(layer[2]))
    unused = unused_in_tf(shapes)
    for name, ndim in shapes.items():
        if name in unused:
            continue
        match = _NAME.fullmatch(name)
        if match is None:
            if name.split("/")[-1].removesuffix(":0") == "log_std":
                view["_append_free_log_std.log_std"] = (name, ())
            continue
        part = match["part"]
        if "lstm" in match["layer"]:
            view.update(_lstm(name, part))
            continue
        base = _torch_layer(match["layer"], numbers)
        if base is not None:
            torch_part = "weight" if part == "kernel" else "bias"
            view[f"{base}.{torch_part}"] = (name, _layout(part, ndim))
    return view


def layouts_of(name: str, ndim: int) -> tuple[Layout, ...]:
    """Return how a Keras variable is laid out anew for torch.

    >>> layouts_of("logits/kernel:0", 2)
    ('transpose',)
    """
    part = name.split("/")[-1].removesuffix(":0")
    return _layout(part, ndim) if part.endswith("kernel") else ()


def cell_layouts(
    name: str, target: str, shapes: Mapping[str, Sequence[int]]
) -> dict[str, tuple[Layout, ...]] | None:
    """Return the torch parameters that a variable of a recurrent layer becomes, each with layouts.

    None for any other layer. Raises ValueError for a GRU that applies its reset gate before the
    matrix product (`reset_after=False`), which torch's does not.

    >>> cell_layouts("c/bias", "c.bias_ih_l0", {"c/bias": (2, 6), "c/recurrent_kernel": (2, 6)})
    {'c.bias_ih_l0': ('row_0', 'gru_gates'), 'c.bias_hh_l0': ('row_1', 'gru_gates')}
    """
    owner, _, part = name.rpartition("/")
    part, suffix = part.removesuffix(":0"), ":0" if part.endswith(":0") else ""
    recurrent = shapes.get(f"{owner}/recurrent_kernel{suffix}")
    if recurrent is None or not target.endswith("_l0"):
        return None
    gru = recurrent[1] == 3 * recurrent[0]
    gates: tuple[Layout, ...] = ("gru_gates",) if gru else ()
    if part != "bias":
        return {target: ("transpose", *gates)}
    other = target.replace("bias_ih", "bias_hh")
    if not gru:
        return {target: (), other: ("zeros",)}  # Keras has one bias, torch two that are added
    if len(shapes[name]) != 2:
        raise ValueError(f"{owner} is a GRU with reset_after=False, which torch.nn.GRU cannot be")
    return {target: ("row_0", *gates), other: ("row_1", *gates)}


def unused_in_tf(names: Iterable[str]) -> frozenset[str]:
    """Name the value head of a net under an LSTM wrapper, which has its own and never calls it."""
    layers = {name: match["layer"] for name in names if (match := _NAME.fullmatch(name))}
    if not {"values", "logits"} <= set(layers.values()):
        return frozenset()
    return frozenset(name for name, layer in layers.items() if layer == "value_out")


def named_as(view: View, targets: Iterable[str]) -> View:
    """Give the view the numbers that `targets` have within a layer ("_model.0" or "_model.1").

    torch nets count padding and activation, which have no parameters.
    """
    known: dict[str, list[str]] = {}
    for target in targets:
        known.setdefault(_WITHIN.sub("_model.", target), []).append(target)
    found: View = {}
    for name, source in view.items():
        same = known.get(_WITHIN.sub("_model.", name), [])
        found[same[0] if len(same) == 1 else name] = source
    return found


def _layout(part: str, ndim: int) -> tuple[Layout, ...]:
    if part == "bias":
        return ()
    if ndim == 3:
        return ("wio_to_oiw",)
    return ("hwio_to_oihw",) if ndim == 4 else ("transpose",)


def _lstm(name: str, part: str) -> View:
    if part == "kernel":
        return {"lstm.weight_ih_l0": (name, ("transpose",))}
    if part == "recurrent_kernel":
        return {"lstm.weight_hh_l0": (name, ("transpose",))}
    # Keras has one bias, torch two that are added.
    return {"lstm.bias_ih_l0": (name, ()), "lstm.bias_hh_l0": (name, ("zeros",))}


def _torch_layer(layer: str, numbers: Mapping[str, list[int]]) -> str | None:
    if layer in _HEADS:
        return f"{_HEADS[layer]}._model.0"
    if layer == "conv_value_out":
        return f"_value_branch_separate.{len(set(numbers.get('conv_value', ())))}._model.0"
    match = _NUMBERED.fullmatch(layer)
    if match is None:
        return None
    known = sorted(set(numbers[match[1]]))
    return f"{_STACKS[match[1]]}.{known.index(int(match[2]))}._model.0"
