"""Keras layers that a model makes, and the torch layers and parameters that they become.

torch_names   variable of Keras to parameter of torch, for layers with a name
torch_layers  every layer that a class makes, with its counterpart
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in

AFFINE = {"kernel": "weight", "bias": "bias"}
#: By layer: variable to parameter. Keras has one bias for an LSTM, torch two that are added.
PARTS: Mapping[str, Mapping[str, str]] = {
    "Dense": AFFINE,
    "Conv2D": AFFINE,
    "Embedding": {"embeddings": "weight"},
    "LayerNormalization": {"gamma": "weight", "beta": "bias"},
    "BatchNormalization": {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
    "LSTM": {
        "kernel": "weight_ih_l0",
        "recurrent_kernel": "weight_hh_l0",
        "bias": "bias_ih_l0",
    },
    "GRU": {
        "kernel": "weight_ih_l0",
        "recurrent_kernel": "weight_hh_l0",
        "bias": "bias_ih_l0",
    },
}
#: Counterparts in torch.nn of what has variables.
TORCH: Mapping[str, str] = {
    "BatchNormalization": "BatchNorm",
    "Conv1D": "Conv1d",
    "Conv2D": "Conv2d",
    "Conv3D": "Conv3d",
    "Dense": "Linear",
    "Embedding": "Embedding",
    "GRU": "GRU",
    "LSTM": "LSTM",
    "LayerNormalization": "LayerNorm",
    "MultiHeadAttention": "MultiheadAttention",
}


def torch_layers(node: ast.AST) -> list[str]:
    """List the layers that a class makes, by the name given or the variable, in their order.

    >>> torch_layers(ast.parse("self.out = tf.keras.layers.Dense(3)(x)"))
    ['out (nn.Linear)']
    """
    holders = {
        id(inner): _target(each.targets[0])
        for each in nodes_in(node)
        if isinstance(each, ast.Assign)
        for inner in nodes_in(each.value)
    }
    found = []
    for call in nodes_in(node):
        if not isinstance(call, ast.Call):
            continue
        owner, _, kind = (dotted(call.func) or "").rpartition(".")
        if kind in TORCH and (owner.endswith("layers") or not owner):
            given = next((k.value for k in call.keywords if k.arg == "name"), None)
            name = str(given.value) if isinstance(given, ast.Constant) else holders.get(id(call))
            found.append((call.lineno, call.col_offset, f"{name or 'one'} (nn.{TORCH[kind]})"))
    return [text for *_, text in sorted(found)]


def _target(node: ast.expr) -> str | None:
    named = isinstance(node, ast.Name | ast.Attribute)
    return (dotted(node) or "").removeprefix("self.") or None if named else None


def torch_names(node: ast.AST) -> dict[str, str]:
    """Map the variables of layers that have a name of their own, for a torch layer so named.

    >>> torch_names(ast.parse("tf.keras.layers.Dense(3, name='logits')"))
    {'logits/kernel': 'logits.weight', 'logits/bias': 'logits.bias'}
    """
    found: dict[str, str] = {}
    for call in nodes_in(node):
        if not isinstance(call, ast.Call):
            continue
        owner, _, kind = (dotted(call.func) or "").rpartition(".")
        named = next((k.value for k in call.keywords if k.arg == "name"), None)
        name = named.value if isinstance(named, ast.Constant) else None
        if kind not in PARTS or not isinstance(name, str) or not name.isidentifier():
            continue
        if owner.endswith("layers") or not owner:
            found |= {f"{name}/{old}": f"{name}.{new}" for old, new in PARTS[kind].items()}
    return found
