"""custom_loss() and metrics() of TensorFlow models, which no Learner of the new stack asks for.

keep_losses   let them stay as methods for the training loop of the owner, or say why they cannot
KEPT          what the methods are called in a TfRLModule
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.losses import COLUMNS
from rlmigrate.migrate.understanding.scope import Scope, parameters, self_attribute

#: Keras models have metrics of their own.
KEPT: Mapping[str, str] = {"custom_loss": "custom_loss", "metrics": "compute_metrics"}


def keep_losses(scope: Scope, forward: Forward | None) -> None:
    """Judge the two methods; `forward` is None where they belong to a family or keep states."""
    found = {name: scope.methods[name] for name in KEPT if name in scope.methods}
    if forward is None or not found:
        return  # the hook itself is the problem
    for name, method in found.items():
        if len(parameters(method)) != (2 if name == "custom_loss" else 0):
            scope.problem(method, f"has a {name}() with other parameters")
            continue
        for node in nodes_in(method):
            attribute = self_attribute(node)
            if attribute in forward.stored and isinstance(getattr(node, "ctx", None), ast.Load):
                scope.problem(node, f"uses self.{attribute}, which forward sets, in {name}")
            elif isinstance(node, ast.Name) and node.id == "self":
                holder = scope.parent(node)
                if not isinstance(holder, ast.Attribute) or holder.value is not node:
                    scope.problem(node, f"uses itself as a whole in {name}")
            elif isinstance(node, ast.Name) and node.id == "super":
                scope.problem(node, f"calls {name} of its base")
        if name == "custom_loss":
            _read_batch(scope, method)
        scope.served.add(name)


def _read_batch(scope: Scope, loss: ast.FunctionDef) -> None:
    """Judge every read of the train batch, whose columns keep their names."""
    inputs = parameters(loss)[1].arg
    for node in nodes_in(loss):
        if not isinstance(node, ast.Name) or node.id != inputs:
            continue
        parent = scope.parent(node)
        key = scope.key_of(parent.slice) if isinstance(parent, ast.Subscript) else None
        if key is None or not isinstance(parent, ast.Subscript):
            scope.problem(node, "uses the train batch as a whole in custom_loss")
        elif key == "obs":
            scope.problem(node, "reads observations of the train batch, which were flat")
        elif key not in COLUMNS or not isinstance(parent.slice, ast.Constant):
            scope.problem(node, f"reads {key} of the train batch in custom_loss")
        elif not isinstance(parent.ctx, ast.Load):
            scope.problem(node, "changes the train batch in custom_loss")
