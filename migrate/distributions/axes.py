"""Axes of a distribution's inputs, which were rows of numbers and may be sequences of them now.

last_axes   constants 1 that mean the last axis of such rows
takes_rows  whether a class counts on rows in other ways
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import self_attribute

#: Functions and methods whose result has the shape of what they are given.
_ALIKE = """
abs clamp clip exp expm1 log log1p neg pow relu sigmoid softplus sqrt square tanh float clone
detach contiguous
"""
ALIKE = frozenset(_ALIKE.split())
#: Those that take rows apart or put them together along an axis; the axis is their last argument.
ALONG = frozenset({"chunk", "split", "tensor_split", "cat", "concat"})


def takes_rows(node: ast.ClassDef) -> bool:
    """Say whether a class names a second axis, of what may have three on the new stack."""
    methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
    fine: set[int] = set()
    for method in methods:
        given = [arg.arg for arg in method.args.args][1:2]
        fine |= last_axes(method, given if method.name == "__init__" else ())
    for each in nodes_in(node):
        if isinstance(each, ast.Call):
            axes = [k.value for k in each.keywords if k.arg in {"dim", "axis"}]
            ones = [axis for axis in axes if isinstance(axis, ast.Constant) and axis.value == 1]
            if any(id(axis) not in fine for axis in ones):
                return True
        if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Tuple):
            first = each.slice.elts[0]
            if isinstance(first, ast.Slice) and not (first.lower or first.upper or first.step):
                return True
    return False


def last_axes(method: ast.FunctionDef, inputs: Iterable[str]) -> set[int]:
    """Return the ids of constants 1 that name the last axis of rows, `float32[B, D]`.

    `inputs` are names that hold such rows from the start.
    """
    rows = set(inputs)
    for _ in range(2):  # locals of locals
        for node in nodes_in(method):
            if not isinstance(node, ast.Assign):
                continue
            target = node.targets[0]
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            if _is_rows(node.value, rows) or (len(names) > 1 and _parts(node.value, rows)):
                rows |= {each.id for each in names if isinstance(each, ast.Name)}
    found = set()
    for node in nodes_in(method):
        if isinstance(node, ast.Call) and _operand(node, rows):
            axis = next((k.value for k in node.keywords if k.arg in {"dim", "axis"}), None)
            axis = axis if axis is not None or len(node.args) < 2 else node.args[-1]
            if isinstance(axis, ast.Constant) and type(axis.value) is int and axis.value == 1:
                found.add(id(axis))
    return found


def _operand(node: ast.Call, rows: set[str]) -> bool:
    """Say whether a call goes along an axis of rows, and names that axis."""
    name = (dotted(node.func) or "").rpartition(".")[2]
    if isinstance(node.func, ast.Attribute):
        name = node.func.attr
    if name not in ALONG:
        return False
    named = any(k.arg in {"dim", "axis"} for k in node.keywords)
    of_rows = isinstance(node.func, ast.Attribute) and _is_rows(node.func.value, rows)
    if of_rows:
        return named or len(node.args) == 2
    first = node.args[0] if node.args else None
    if isinstance(first, ast.List | ast.Tuple):
        known = all(_is_rows(each, rows) for each in first.elts)
        return known and (named or len(node.args) == 2)
    return first is not None and _is_rows(first, rows) and (named or len(node.args) == 3)


def _parts(node: ast.expr, rows: set[str]) -> bool:
    """Say whether a value is rows taken apart."""
    return isinstance(node, ast.Call) and _operand(node, rows)


def _is_rows(node: ast.expr, rows: set[str]) -> bool:
    """Say whether a value has the shape of rows for certain."""
    if isinstance(node, ast.Name):
        return node.id in rows
    if self_attribute(node) == "inputs":
        return True
    if isinstance(node, ast.BinOp):
        sides = (node.left, node.right)
        known = [_is_rows(each, rows) for each in sides]
        return any(known) and all(
            ok or isinstance(each, ast.Constant) for ok, each in zip(known, sides, strict=True)
        )
    if isinstance(node, ast.UnaryOp):
        return _is_rows(node.operand, rows)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr in {"cat", "concat"}:
        return _operand(node, rows)
    if node.func.attr not in ALIKE:
        return False
    return _is_rows(node.func.value, rows) or bool(node.args and _is_rows(node.args[0], rows))
