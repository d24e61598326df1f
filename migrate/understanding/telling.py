"""Statements that only tell a person something: prints and log lines.

tells     whether a statement is one
is_told   whether an expression stands in one, as something that is told
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.understanding.scope import Scope

LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
PRINTS = frozenset({"print", "pprint", "pprint.pprint", "pprint.pp"})


def tells(statement: ast.AST) -> bool:
    """Say whether a statement is a call of print or of a logger."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    owner, _, called = (dotted(statement.value.func) or "").rpartition(".")
    logs = called in LEVELS and "log" in owner.rpartition(".")[2].lower()
    return logs or (f"{owner}.{called}" if owner else called) in PRINTS


def is_told(scope: Scope, node: ast.expr) -> bool:
    """Say whether what an expression is worth goes into a print or a log line, and nowhere else."""
    inner: ast.AST = node
    for ancestor in scope.ancestors(node):
        if isinstance(ancestor, ast.Expr):
            return tells(ancestor) and inner is ancestor.value
        if isinstance(ancestor, ast.stmt | ast.Lambda | ast.NamedExpr | ast.comprehension):
            return False
        inner = ancestor
    return False
