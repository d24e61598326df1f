"""Which names are surely set where a function returns.

assigned_at_returns   what every return can count on
"""

from __future__ import annotations

import ast
from collections.abc import Callable

Stored = Callable[[ast.AST], set[str]]


def assigned_at_returns(function: ast.FunctionDef, stored: Stored) -> set[str]:
    """Names that are set on every path to every return of `function`."""
    returned: list[set[str]] = []
    end = _after(function.body, set(), returned, stored)
    if end is not None:
        returned.append(end)
    return set.intersection(*returned) if returned else set()


def _after(
    body: list[ast.stmt], before: set[str], returned: list[set[str]], stored: Stored
) -> set[str] | None:
    """Names set after `body`; None where it does not end."""
    known: set[str] | None = set(before)
    for node in body:
        if known is None:
            return None
        known = _after_one(node, known, returned, stored)
    return known


def _after_one(
    node: ast.stmt, known: set[str], returned: list[set[str]], stored: Stored
) -> set[str] | None:
    if isinstance(node, ast.Return):
        returned.append(known | (stored(node.value) if node.value else set()))
        return None
    if isinstance(node, ast.Raise):
        return None
    if isinstance(node, ast.If):
        left = _after(node.body, known, returned, stored)
        right = _after(node.orelse, known, returned, stored)
        if left is None or right is None:
            return left if right is None else right
        return left & right
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        _after(node.body, known, returned, stored)
        return known
    if isinstance(node, ast.With):
        return _after(node.body, known, returned, stored)
    if isinstance(node, ast.Try):
        tried = _after(node.body, known, returned, stored)
        ways = [tried] if tried is not None else []
        for handler in node.handlers:
            handled = _after(handler.body, known, returned, stored)
            ways += [handled] if handled is not None else []
        return set.intersection(*ways) if ways else None
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return known
    return known | stored(node)
