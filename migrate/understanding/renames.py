"""Attributes of a model that RLModule has too, for something else: they get a name of their own.

read_renames   mark every place where such an attribute stands
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope, asked_by_name, self_attribute

#: Names that models give to plain data, which no weight is named after.
PLAIN = ("catalog", "config", "model_config", "observation_space")


def read_renames(scope: Scope, index: RepoIndex) -> None:
    """Rename `self.config` and its kin where the constructor alone sets them, to plain data."""
    init = scope.methods.get("__init__")
    if init is None or scope.kin:
        return
    dropped = {id(mark.node) for mark in scope.marks if mark.kind == "drop"}
    for name in PLAIN:
        places = [
            node
            for node in nodes_in(scope.node)
            if isinstance(node, ast.Attribute)
            and self_attribute(node) == name
            and id(scope.parent(node)) not in dropped
        ]
        stores = [node for node in places if not isinstance(node.ctx, ast.Load)]
        new = f"own_{name}"
        if not stores or name in index.outside or new in ast.unparse(scope.node):
            continue
        if _set_first(scope, init, stores, places) and not asked_by_name(scope.node, name):
            for node in places:
                scope.mark("own_attribute", node, new)
                scope.handled.add(id(node))


def _set_first(
    scope: Scope, init: ast.FunctionDef, stores: list[ast.Attribute], places: list[ast.Attribute]
) -> bool:
    """Say whether a statement of the constructor itself sets the attribute before any read."""
    holder = scope.parent(stores[0])
    if len(stores) != 1 or not isinstance(holder, ast.Assign) or holder not in init.body:
        return False
    inside = {id(node) for node in nodes_in(init)}
    early = [
        node
        for node in places
        if node is not stores[0]
        and id(node) in inside
        and node.lineno <= (holder.end_lineno or holder.lineno)
    ]
    return len(holder.targets) == 1 and not early and _is_plain(holder.value)


def _is_plain(value: ast.expr) -> bool:
    """Say whether a value is no torch module: no call of what looks like a class."""
    called = (dotted(value.func) or "?").rpartition(".")[2] if isinstance(value, ast.Call) else ""
    return not called[:1].isupper() and called != "?"
