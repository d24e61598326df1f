"""Locals of a method that are named like parameters of the new one: they get another name.

read_locals   rename them, or note why that is not possible
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import (
    Scope,
    names_bound,
    names_in,
    parameters,
    self_attribute,
)


def read_locals(scope: Scope, function: ast.FunctionDef, taken: Iterable[str]) -> dict[str, str]:
    """Mark the locals of `function` that the `taken` names would shadow; their new names.

    A name that is bound otherwise than by an assignment, or outside, stays a problem.
    """
    own = {p.arg for p in parameters(function)}
    own |= {a.arg for a in (function.args.vararg, function.args.kwarg) if a is not None}
    bound = names_bound(function)
    found: dict[str, str] = {}
    for name in sorted(taken):
        if _bound_otherwise(function, name) or _hides(function, name, own, local=name in bound):
            scope.problem(function, f"uses the name {name} in {function.name}")
        elif name in bound and name in own:
            scope.problem(function, f"binds its parameter {name} again in {function.name}")
        elif name in bound:
            found[name] = _free_name(scope, function, name)
        elif name not in own and _reads(function, name):
            scope.problem(function, f"uses the name {name} of its module in {function.name}")
    for node in nodes_in(function):
        if isinstance(node, ast.Name) and node.id in found:
            scope.mark("own_local", node, found[node.id])
    return found


#: Nodes that bind the name they carry as a string.
_NAMED = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler),
    *(ast.MatchAs, ast.MatchStar),
)


def _hiding(function: ast.FunctionDef, name: str) -> list[ast.FunctionDef | ast.Lambda]:
    """The nested functions that have a parameter of this name."""
    return [
        node
        for node in nodes_in(function)
        if isinstance(node, ast.FunctionDef | ast.Lambda)
        and node is not function
        and any(isinstance(a, ast.arg) and a.arg == name for a in nodes_in(node.args))
    ]


def _hides(function: ast.FunctionDef, name: str, own: set[str], *, local: bool) -> bool:
    """Say whether a parameter of a nested function keeps the new method's from where it is read."""
    return any(local or names_in(node) & (own or {"self"}) for node in _hiding(function, name))


def _reads(function: ast.FunctionDef, name: str) -> bool:
    """Say whether a name is read that no parameter of a nested function stands for."""
    inside = {id(n) for nested in _hiding(function, name) for n in nodes_in(nested)}
    return any(
        isinstance(n, ast.Name) and n.id == name and id(n) not in inside for n in nodes_in(function)
    )


def _bound_otherwise(function: ast.FunctionDef, name: str) -> bool:
    """Say whether an import, a nested function, an exception or the like has the name."""
    for node in nodes_in(function):
        named: Iterable[str | None] = ()
        if isinstance(node, _NAMED) and node is not function:
            named = (node.name,)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            named = node.names
        elif isinstance(node, ast.alias):
            named = (node.asname or node.name.partition(".")[0],)
        elif isinstance(node, ast.MatchMapping):
            named = (node.rest,)
        if name in named:
            return True
    return False


def _free_name(scope: Scope, function: ast.FunctionDef, name: str) -> str:
    """Another name for a local, which no attribute that forward keeps is given either."""
    kept = {(self_attribute(n) or "").strip("_") for n in nodes_in(scope.node)}
    taken = names_in(function) | set(scope.file.imports.names)
    new = f"own_{name}" if name in kept else f"{name}_"
    while new in taken:
        new += "_"
    return new
