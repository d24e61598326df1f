"""Layers of Keras in a class that is ported to torch.

read_layer    mark one, or say what its torch form does not take
initializer   the name by which layers know an initializer
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.ported_names import (
    ACTIVATIONS,
    INITIALIZERS,
    RECURRENT,
    Layer,
)
from rlmigrate.migrate.understanding.ported_scope import Ported, said


def read_layer(port: Ported, node: ast.expr, call: ast.Call, layer: Layer) -> None:
    """Mark the layer that a call makes while the model is built."""
    keywords = {k.arg for k in call.keywords}
    if not keywords <= set(layer.keywords) or len(call.args) > layer.positional:
        port.problem(node, f"tells {said(node)} what its torch form does not take")
    if any(isinstance(a, ast.Starred) for a in call.args):
        port.problem(node, f"tells {said(node)} what is only known as it runs")
    if layer.kind == "model" and len(call.args) + len(keywords - {"name"}) < 2:
        port.problem(node, f"makes a {said(node)} without inputs and outputs")
    _read_place(port, node, call, layer)
    given = {k.arg: k.value for k in call.keywords}
    for key in ("kernel_initializer", "bias_initializer"):
        value = given.get(key)
        if isinstance(value, ast.Constant) and value.value not in INITIALIZERS:
            port.problem(value, f"draws its weights by {ast.unparse(value)}")
    named = given.get("activation") or (
        call.args[0] if layer.torch == "KerasActivation" and call.args else None
    )
    if isinstance(named, ast.Constant) and named.value not in {None, *ACTIVATIONS}:
        port.problem(named, f"uses the activation {named.value!r}")
    port.scope.mark("layer", node, layer.torch)


def initializer(name: str) -> str:
    """The name by which layers know an initializer of Keras, "" if they do not.

    >>> initializer("keras.initializers.GlorotNormal")
    'glorot_normal'
    """
    home, _, last = name.rpartition(".")
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in last).removeprefix("_")
    return snake if home in {"keras.initializers", "initializers"} and snake in INITIALIZERS else ""


def _read_place(port: Ported, node: ast.expr, call: ast.Call, layer: Layer) -> None:
    """Judge what is done with a layer: it must be applied at once, or bound to a local name."""
    outer = port.scope.parent(call)
    applied = isinstance(outer, ast.Call) and outer.func is call
    bound = isinstance(outer, ast.Assign) and all(isinstance(t, ast.Name) for t in outer.targets)
    holder = port.tensorflow(outer.func) if isinstance(outer, ast.Call) and not applied else None
    stepwise = (holder or "").endswith(".TimeDistributed")
    listed = layer.kind == "layer" and _in_sequence(port, call)
    symbol = layer.kind == "symbol" and not _in_sequence(port, call)
    if not (applied or bound or stepwise or listed or symbol or layer.kind == "model"):
        port.problem(node, f"keeps {said(node)} for later")
    recurrent = (port.tensorflow(node) or "").rpartition(".")[2] in RECURRENT
    if not isinstance(outer, ast.Call) or not applied:
        if recurrent:
            port.problem(node, f"gives {said(node)} its input in a way that is not understood")
        return
    told = {k.arg or "**": k.value for k in outer.keywords}
    allowed = {"inputs", "mask", "initial_state"} if recurrent else {"inputs"}
    if told.keys() - allowed or len(outer.args) + ("inputs" in told) != 1:
        port.problem(outer, f"calls {said(node)} with what its torch form does not take")
    if recurrent:
        _read_mask(port, node, told.get("mask"))


def _in_sequence(port: Ported, call: ast.Call) -> bool:
    """Say whether a layer is a part of a Sequential: in its list, or added to it."""
    outer = port.scope.parent(call)
    if isinstance(outer, ast.List):
        outer = port.scope.parent(outer)
        made = port.tensorflow(outer.func) if isinstance(outer, ast.Call) else None
        return (made or "").endswith(".Sequential")
    if not isinstance(outer, ast.Call) or not isinstance(outer.func, ast.Attribute):
        return False
    return outer.func.attr == "add" and call in outer.args


def _read_mask(port: Ported, node: ast.expr, mask: ast.expr | None) -> None:
    """A mask says how long sequences are; Keras hands one on to recurrent layers that follow."""
    if mask is None:
        if any(
            isinstance(n, ast.keyword) and n.arg == "mask" and id(n) in port.building
            for n in nodes_in(port.scope.node)
        ):
            port.problem(node, f"may hand a mask on to {said(node)}")
        return
    made = mask
    if isinstance(mask, ast.Name):
        found = [
            n.value
            for n in nodes_in(port.scope.node)
            if isinstance(n, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == mask.id for t in n.targets)
        ]
        made = found[0] if len(found) == 1 else mask
    if not isinstance(made, ast.Call) or port.tensorflow(made.func) != "sequence_mask":
        port.problem(node, f"gives {said(node)} a mask that is not understood")
