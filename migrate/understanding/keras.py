"""What a TensorFlow model does that a TfRLModule does otherwise.

read_keras   drop what Keras does by itself, refuse graphs and layers made on the way
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import (
    Scope,
    body_without_docstring,
    self_attribute,
)

#: Functions of TF 1 that make variables wherever they are called.
GRAPH = frozenset({"get_variable", "variable_scope", "get_collection", "placeholder", "Session"})

#: What Keras models have for themselves, and old models did not.
KERAS_NAMES = frozenset(
    {
        "add_loss",
        "add_metric",
        "add_weight",
        "build",
        "call",
        "compile",
        "compute_loss",
        "compute_mask",
    }
    | {"dtype", "evaluate", "fit", "get_config", "get_layer", "get_weights", "input", "inputs"}
    | {"input_spec", "layers", "losses", "metrics", "name", "output", "outputs", "predict", "save"}
    | {"set_weights", "summary", "test_step", "train_step", "trainable", "updates", "weights"}
)

#: Methods that list variables, which Keras does by itself.
LISTINGS = frozenset({"variables", "trainable_variables"})


def read_keras(scope: Scope) -> None:
    """Mark what falls away in a Keras model, and note what a native one cannot do."""
    running = _running(scope)
    _read_names(scope)
    for name, method in scope.methods.items():
        if name in LISTINGS and _lists(method):
            scope.mark("drop", method)
            scope.handle(method)
            scope.served.add(name)
            continue
        for node in nodes_in(method):
            if isinstance(node, ast.Expr) and _registers(node.value):
                scope.mark("drop", node)
                scope.handle(node)
            elif isinstance(node, ast.Call) and name in running:
                _read_call(scope, node, name)
            elif isinstance(node, ast.Attribute) and node.attr in GRAPH:
                scope.problem(node, f"uses {node.attr} of TensorFlow 1")


def _read_names(scope: Scope) -> None:
    own = {name for name in scope.methods if name in KERAS_NAMES}
    for node in nodes_in(scope.node):
        name = self_attribute(node)
        if name in KERAS_NAMES and isinstance(getattr(node, "ctx", None), ast.Store):
            own.add(name or "")
    for name in sorted(own):
        scope.problem(scope.node, f"has {name} of its own, which Keras models keep for themselves")


def _running(scope: Scope) -> set[str]:
    """Methods that run with every batch: forward, values, and what they call."""
    found: set[str] = set()
    stack = ["forward", "value_function", "forward_rnn"]
    while stack:
        name = stack.pop()
        if name in found or name not in scope.methods:
            continue
        found.add(name)
        stack += [a for n in nodes_in(scope.methods[name]) if (a := self_attribute(n))]
    return found


def _lists(method: ast.FunctionDef) -> bool:
    """Say whether a method does no more than `return self.x.variables`."""
    body = body_without_docstring(method)
    value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    return (
        isinstance(value, ast.Attribute)
        and value.attr in LISTINGS
        and self_attribute(value.value) is not None
    )


def _registers(node: ast.expr) -> bool:
    """Say whether a call is `self.register_variables(...)`, which Keras needs nobody to do."""
    return isinstance(node, ast.Call) and self_attribute(node.func) == "register_variables"


def _read_call(scope: Scope, node: ast.Call, method: str) -> None:
    called = dotted(node.func) or ""
    if ".layers." in f".{called}":
        scope.problem(node, f"makes layers in {method}")
    elif called in {"tf.Variable", "tf1.Variable"}:
        scope.problem(node, f"makes variables in {method}")
