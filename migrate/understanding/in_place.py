"""Observations and states that forward changes where they are.

check_in_place   refuse them: on the new stack, a batch is read more than once
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope

#: Members of a tensor that stay a view of it, or are the tensor itself where nothing is to do.
VIEWS = frozenset(
    {"T", "view", "reshape", "flatten", "permute", "transpose", "squeeze", "unsqueeze", "data"}
    | {"contiguous", "float", "to", "type", "detach"}
)


def check_in_place(
    scope: Scope,
    function: ast.FunctionDef,
    roots: Collection[ast.expr],
    *,
    what: str = "its observation",
) -> None:
    """Note each place where forward writes into `roots`, or a part or view of them."""
    known = {id(root) for root in roots}
    names: set[str] = set()
    for node in nodes_in(function):
        if isinstance(node, ast.Assign) and _is_observation(node.value, known, names):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    for node in nodes_in(function):
        if _writes(node, known, names):
            scope.problem(node, f"changes {what} in place")


def _writes(node: ast.AST, known: set[int], names: set[str]) -> bool:
    if isinstance(node, ast.AugAssign):
        return _is_observation(node.target, known, names)
    if isinstance(node, ast.Assign):
        return any(
            isinstance(t, ast.Subscript) and _is_observation(t.value, known, names)
            for t in node.targets
        )
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        in_place = name.endswith("_") and not name.endswith("__")
        return in_place and _is_observation(node.func.value, known, names)
    return False


def _is_observation(node: ast.expr, known: set[int], names: set[str]) -> bool:
    """Say whether an expression is the observation, or shares memory with it."""
    while id(node) not in known:
        if isinstance(node, ast.Name):
            return node.id in names
        if isinstance(node, ast.Call):
            node = node.func
            if not isinstance(node, ast.Attribute):
                return False
        elif isinstance(node, ast.Subscript):
            node = node.value
            continue
        if not isinstance(node, ast.Attribute) or node.attr not in VIEWS:
            return False
        node = node.value
    return True
