"""Conditions on the type of the input, which the old stack gave as a SampleBatch or as a dict.

TRAINING     keys of the input that the new stack's module knows by another way
read_forks   let the branch for a SampleBatch stand alone, where both ask only whether it trains
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope

TRAINING = frozenset({"is_training"})


def read_forks(scope: Scope, function: ast.FunctionDef, batch: str) -> None:
    """Mark each `if isinstance(input_dict, SampleBatch)` whose branches say the same."""
    for node in nodes_in(function):
        if not isinstance(node, ast.If) or not _asks_type(scope, node.test, batch):
            continue
        ways = [node.body, node.orelse]
        if all(len(way) == 1 and _is_told(scope, way[0], batch) for way in ways):
            first, second = (ast.unparse(_target(way[0])) for way in ways)
            if first == second:
                scope.mark("always", node)
                scope.handle(node.test)
                scope.handle(node.orelse[0])


def _asks_type(scope: Scope, test: ast.expr, batch: str) -> bool:
    if not isinstance(test, ast.Call) or dotted(test.func) != "isinstance" or len(test.args) != 2:
        return False
    given, kind = test.args
    named = isinstance(given, ast.Name) and given.id == batch
    return named and (scope.rllib(kind) or "").endswith(".SampleBatch")


def _target(node: ast.stmt) -> ast.expr:
    assert isinstance(node, ast.Assign)
    return node.targets[0]


def _is_told(scope: Scope, node: ast.stmt, batch: str) -> bool:
    """Say whether a statement only sets a name to whether the batch is for training."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return False
    value = node.value
    if isinstance(value, ast.Call) and dotted(value.func) == "bool" and len(value.args) == 1:
        value = value.args[0]
    if isinstance(value, ast.Call):
        got = dotted(value.func) == f"{batch}.get"
        return got and bool(value.args) and _asks(scope, value.args[0])
    if isinstance(value, ast.Subscript):
        return dotted(value.value) == batch and _asks(scope, value.slice)
    return dotted(value) in {f"{batch}.{name}" for name in TRAINING}


def _asks(scope: Scope, key: ast.expr) -> bool:
    return scope.key_of(key) in TRAINING
