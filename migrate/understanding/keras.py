"""What a TensorFlow model does that a TfRLModule does otherwise.

read_keras      drop what Keras does by itself, refuse graphs and layers made on the way
check_training  refuse a flag that no TfRLModule has
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.keras_losses import KEPT
from rlmigrate.migrate.understanding.scope import (
    Scope,
    body_without_docstring,
    names_in,
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


def read_keras(scope: Scope, *, outside: Collection[str]) -> None:
    """Mark what falls away in a Keras model, and note what a native one cannot do.

    `outside` are attributes that code outside of models reads.
    """
    running = _running(scope)
    _read_names(scope, outside)
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


def check_training(scope: Scope) -> None:
    """Refuse reads of is_training: a Keras module is told so, if at all, by its caller."""
    for mark in scope.marks:
        if mark.kind == "training":
            scope.problem(mark.node, "reads is_training, which Keras models are told by a call")


def _read_names(scope: Scope, outside: Collection[str]) -> None:
    """Give attributes that Keras keeps for itself another name, or none where locals will do."""
    for name in sorted(KERAS_NAMES & set(scope.methods) - set(KEPT)):
        scope.problem(scope.node, f"has {name} of its own, which Keras models keep for themselves")
    uses: dict[str, list[tuple[str, ast.Attribute]]] = {}
    for method, body in scope.methods.items():
        for node in nodes_in(body):
            attribute = self_attribute(node)
            if attribute in KERAS_NAMES and isinstance(node, ast.Attribute):
                uses.setdefault(node.attr, []).append((method, node))
    for name, places in sorted(uses.items()):
        stores = {method for method, node in places if not isinstance(node.ctx, ast.Load)}
        if not stores or "forward" in stores or "forward_rnn" in stores or name in scope.methods:
            continue  # what forward sets becomes a local
        if scope.kin or name in outside:
            scope.problem(
                scope.node, f"has {name} of its own, which Keras models keep for themselves"
            )
            continue
        new = f"self.{name}_"
        if {method for method, _ in places} == {"__init__"}:
            taken = names_in(scope.methods["__init__"])
            new = name if name not in taken else new
        for _, node in places:
            scope.mark("renamed", node, new)
            scope.handle(node)


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
