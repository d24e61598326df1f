"""Locals that moved code set and reads no more.

without_unused   a method without them
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.tree import nodes_in

PURE = (ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.expr_context)


def without_unused(method: str, before: ast.FunctionDef) -> str:
    """Leave out `name = value` lines whose name only the old function, `before`, read.

    Values that call something stay, and so does what was idle before.
    """
    read_before = {n.id for n in nodes_in(before) if _is_read(n) and isinstance(n, ast.Name)}
    function = ast.parse(f"class _:\n{method}")
    read = {n.id for n in ast.walk(function) if _is_read(n) and isinstance(n, ast.Name)}
    lines = method.splitlines(keepends=True)
    idle = []
    for holder in ast.walk(function):
        for block in (getattr(holder, "body", None), getattr(holder, "orelse", None)):
            if not isinstance(block, list) or len(block) < 2:
                continue
            idle += [each for each in block if _is_idle(each, read, read_before)]
    for each in sorted(idle, key=lambda node: -node.lineno):
        del lines[each.lineno - 2 : (each.end_lineno or each.lineno) - 1]
    return "".join(lines)


def _is_read(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _is_idle(node: ast.AST, read: set[str], read_before: set[str]) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name):
        return False
    known = all(isinstance(each, PURE) for each in ast.walk(node.value))
    return known and target.id not in read and target.id in read_before
