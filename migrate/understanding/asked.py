"""Values that forward asks for itself.

read_asked   mark `self.value_function()` in forward where what it needs is there already
runs_once    whether a place is on every path of forward, once
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.values import Values

#: Layers for which another call counts: they draw numbers or keep statistics.
_COUNTING = ("Dropout", "BatchNorm", "dropout", "batch_norm", "SpectralNorm", "spectral_norm")


def read_asked(scope: Scope, forward: Forward, values: Values) -> None:
    """Mark each call as one of compute_values on what forward kept before; others stay problems.

    A result that nothing reads goes, unless a layer may count its calls.
    """
    if scope.kin or scope.q_model or scope.net_base or scope.framework == "tf":
        return
    if values.node is None or values.nets or forward.given or "custom_loss" in scope.methods:
        return
    for node in nodes_in(forward.node):
        asks = isinstance(node, ast.Call) and self_attribute(node.func) == "value_function"
        if not asks or not isinstance(node, ast.Call) or node.args or node.keywords:
            continue
        if not runs_once(scope, forward, node):
            continue
        if all(_set_before(forward, attribute, node) for attribute in values.kept):
            scope.handled.add(id(node.func))
            holder = scope.parent(node)
            if _goes_nowhere(scope, holder):
                scope.mark("drop", holder)
            else:
                scope.mark("asked_values", node)


def runs_once(scope: Scope, forward: Forward, node: ast.AST) -> bool:
    """Say whether a place is a statement of forward itself, or of a with below it."""
    for ancestor in scope.ancestors(node):
        if ancestor is forward.node:
            return True
        plain = isinstance(ancestor, ast.Assign | ast.AnnAssign | ast.Expr | ast.Return | ast.With)
        inner = isinstance(ancestor, ast.expr) and not isinstance(ancestor, ast.Lambda)
        if not (plain or inner):
            return False
    return False


def _set_before(forward: Forward, attribute: str, node: ast.expr) -> bool:
    """Say whether a statement of forward itself sets an attribute before a place."""
    return any(
        isinstance(statement, ast.Assign)
        and (statement.end_lineno or statement.lineno) < node.lineno
        and any(self_attribute(target) == attribute for target in statement.targets)
        for statement in forward.node.body
    )


def _goes_nowhere(scope: Scope, holder: ast.AST) -> bool:
    """Say whether an assignment to an attribute is read nowhere, and its call of no account."""
    if not isinstance(holder, ast.Assign) or len(holder.targets) != 1:
        return False
    method = scope.parent(holder)
    attribute = self_attribute(holder.targets[0])
    if attribute is None or not isinstance(method, ast.FunctionDef):
        return False
    read = any(
        self_attribute(node) == attribute and isinstance(getattr(node, "ctx", None), ast.Load)
        for node in nodes_in(scope.node)
    )
    text = ast.unparse(scope.node)
    return not read and not any(word in text for word in _COUNTING)
