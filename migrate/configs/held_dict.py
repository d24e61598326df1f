"""A config dict that a name holds: where it is made, changed, read and handed over.

Held        all uses of one name, if the dict can become a builder
held_dict   read them; the reason as text where it cannot
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import FileContext

HARMLESS = frozenset({"print", "pprint", "pretty_print", "len"})


@dataclass
class Held:
    """Uses of the name, each with its place."""

    name: str
    made: ast.Assign | ast.AnnAssign
    sets: list[tuple[ast.Assign, str]] = field(default_factory=list)
    nested: list[tuple[ast.Assign, str, str]] = field(default_factory=list)
    updates: list[tuple[ast.Expr, ast.Call]] = field(default_factory=list)
    reads: list[tuple[ast.Subscript, str]] = field(default_factory=list)
    handed: list[ast.Name] = field(default_factory=list)


def held_dict(context: FileContext, name: ast.Name) -> Held | str:
    """Follow a name through its scope; returns why it cannot be followed otherwise."""
    nodes = nodes_of(context)
    scope = nodes.scope(name)
    bound = nodes.bindings(name.id, scope)
    if not bound and scope is not nodes.tree:
        scope = nodes.tree
        bound = nodes.bindings(name.id, scope)
    if len(bound) != 1 or not isinstance(bound[0], ast.Assign | ast.AnnAssign):
        return f"{name.id} is bound {'several times' if bound else 'elsewhere'}"
    made = bound[0]
    if isinstance(made, ast.Assign) and (
        len(made.targets) != 1 or not isinstance(made.targets[0], ast.Name)
    ):
        return f"{name.id} is bound together with other names"
    held = Held(name.id, made)
    for use in nodes.of(ast.Name):
        if use.id != name.id or not isinstance(use.ctx, ast.Load):
            continue
        inside = nodes.scope(use)
        if inside is not scope:
            if not nodes.bindings(use.id, inside) and scope in nodes.up(use):
                return f"{name.id} is used in a function as well"
            continue
        problem = _use(nodes, held, use)
        if problem is not None:
            return problem
    changes: set[ast.AST] = {statement for statement, *_ in held.sets}
    changes |= {statement for statement, *_ in held.nested}
    changes |= {statement for statement, *_ in held.updates}
    for item, key in held.reads:
        if any(statement in changes for statement in nodes.up(item)):
            return f"{name.id}[{key!r}] is read where {name.id} is changed"
    return held


def _use(nodes: Nodes, held: Held, use: ast.Name) -> str | None:
    parent = nodes.parents[use]
    if isinstance(parent, ast.Subscript) and parent.value is use:
        return _subscript(nodes, held, parent)
    if isinstance(parent, ast.Attribute):
        call = nodes.parents[parent]
        statement = nodes.parents.get(call)
        called = isinstance(call, ast.Call) and call.func is parent
        if called and parent.attr == "update" and isinstance(statement, ast.Expr):
            assert isinstance(call, ast.Call)
            held.updates.append((statement, call))
            return None
        return f".{parent.attr} of {held.name} is used"
    call = nodes.parents[parent] if isinstance(parent, ast.keyword) else parent
    if isinstance(call, ast.Call):
        function = call.func
        short = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if short not in HARMLESS:
            held.handed.append(use)
        return None
    return f"{held.name} is used in a way that a builder does not serve"


def _subscript(nodes: Nodes, held: Held, item: ast.Subscript) -> str | None:
    key = item.slice
    if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
        return f"a key of {held.name} is computed"
    parent = nodes.parents[item]
    if isinstance(item.ctx, ast.Load):
        if isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store):
            inner, owner = parent.slice, nodes.parents[parent]
            whole = isinstance(owner, ast.Assign) and len(owner.targets) == 1
            if whole and isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                assert isinstance(owner, ast.Assign)
                held.nested.append((owner, key.value, inner.value))
                return None
            return f"{held.name}[{key.value!r}] is changed"
        held.reads.append((item, key.value))
        return None
    whole = isinstance(parent, ast.Assign) and len(parent.targets) == 1
    if not (whole and isinstance(item.ctx, ast.Store)):
        return f"{held.name}[{key.value!r}] is changed"
    assert isinstance(parent, ast.Assign)
    held.sets.append((parent, key.value))
    return None
