"""Defaults that a constructor fills in for what RLlib always gives.

read_fillings   let `if name is None: name = "Net"` go, for there is no such parameter any more
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope

#: Parameters that no setup() has, and that are never missing.
ALWAYS = frozenset({"name", "model_config"})


def read_fillings(scope: Scope, init: ast.FunctionDef, roles: Mapping[str, str]) -> None:
    """Mark statements of the constructor itself that fill such a parameter if it is missing."""
    if len(init.body) < 2:
        return
    for statement in init.body:
        name = _filled(statement)
        if name is not None and roles.get(name) in ALWAYS:
            scope.mark("drop", statement)
            scope.handle(statement)


def _filled(statement: ast.stmt) -> str | None:
    """The name that a statement sets where it is None or empty, and never otherwise."""
    if isinstance(statement, ast.If):
        inner = statement.body[0] if len(statement.body) == 1 and not statement.orelse else None
        name = _target(inner)
        return name if name is not None and _is_missing(statement.test, name) else None
    name = _target(statement)
    value = statement.value if isinstance(statement, ast.Assign) else None
    if name is None or value is None:
        return None
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):
        return name if _is_name(value.values[0], name) and len(value.values) == 2 else None
    if isinstance(value, ast.IfExp):
        kept, other = value.body, value.orelse
        if _is_missing(value.test, name):
            kept, other = other, kept
        elif ast.unparse(value.test) not in {name, f"{name} is not None"}:
            return None
        mentions = any(_is_name(node, name) for node in nodes_in(other))
        return name if _is_name(kept, name) and not mentions else None
    return None


def _target(statement: ast.stmt | None) -> str | None:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    return target.id if isinstance(target, ast.Name) else None


def _is_missing(test: ast.expr, name: str) -> bool:
    return ast.unparse(test) in {f"{name} is None", f"not {name}", f"{name} == None"}


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
