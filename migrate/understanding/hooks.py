"""Hooks of torch modules: functions that run inside a forward without being named there.

lasting_hooks   those that a class registers and that lay something aside
lays_aside      whether a function sets an attribute or an item, or fills a list or dict
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.memory import MUTATORS, writes_itself
from rlmigrate.migrate.understanding.scope import self_attribute
from rlmigrate.migrate.understanding.sharing import Place

Function = ast.FunctionDef | ast.Lambda


def lasting_hooks(place: Place, function: ast.FunctionDef) -> Iterator[tuple[ast.AST, str]]:
    """Hooks that a method registers and that change something, and what to call it."""
    for node in nodes_in(function):
        if not isinstance(node, ast.Call) or not _registers(node):
            continue
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            for hook in _functions_in(place, function, argument):
                if lays_aside(hook):
                    name = f" {hook.name}" if isinstance(hook, ast.FunctionDef) else ""
                    yield node, f"what its hook{name} lays aside"
                    break


def _registers(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return name.startswith("register_") and name.endswith("hook")


def _functions_in(place: Place, around: ast.FunctionDef, argument: ast.expr) -> Iterator[Function]:
    """Functions that an argument names or is: lambdas, methods, local ones and the repository's."""
    local = {n.name: n for n in nodes_in(around) if isinstance(n, ast.FunctionDef)}
    for node in nodes_in(argument):
        method = place.methods.get(self_attribute(node) or "")
        if isinstance(node, ast.Lambda):
            yield node
        elif method is not None:
            yield method
        elif isinstance(node, ast.Name) and node.id in local:
            yield local[node.id]
        elif isinstance(node, ast.Name):
            found = place.definitions(place.file, node.id)
            if found is not None and isinstance(found.node, ast.FunctionDef):
                yield found.node


def lays_aside(function: Function) -> bool:
    """Say whether a function sets an attribute or an item, or fills a list or dict."""
    for node in nodes_in(function):
        if isinstance(node, ast.Nonlocal | ast.Global):
            return True
        stored = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        if stored and isinstance(node, ast.Attribute | ast.Subscript):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in MUTATORS or writes_itself(name) or name == "__setattr__":
                return True
    return False
