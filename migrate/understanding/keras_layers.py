"""Keras layers that a model names, and the torch parameters that their variables become.

torch_names   variable of Keras to parameter of torch
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
}


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
