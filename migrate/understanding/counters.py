"""Attributes that only count and report: how often forward ran, how long it took, what it saw.

read_counters   find them in a forward
moved           attributes that a function only brings to a device
reached         methods that forward or values may call
mentions        whether a part of a class speaks of an attribute
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.telling import tells

#: What fills and empties a list that forward writes down what it saw in.
COLLECTING = frozenset({"append", "appendleft", "extend", "add", "clear", "pop", "popleft"})
ENTRIES = ("forward", "forward_rnn", "value_function", "get_initial_state", "custom_loss")


def read_counters(scope: Scope, function: ast.FunctionDef) -> None:
    """Find attributes that forward changes and reads for nothing but themselves and messages."""
    if scope.kin or scope.q_model or scope.framework == "tf":
        return
    changed = {name for node in nodes_in(function) if (name := _counted(node))}
    values = scope.methods.get("value_function")
    while True:
        idle = _idle(function.body, changed)
        wrong = {
            attribute
            for attribute in changed
            if (values is not None and mentions(values, attribute))
            or any(self_attribute(n) == attribute and id(n) not in idle for n in nodes_in(function))
            or any(mentions(scope.methods[name], attribute) for name in _below(scope))
        }
        if not wrong:
            break
        changed -= wrong
    scope.staying |= changed


def moved(function: ast.FunctionDef) -> set[str]:
    """Attributes whose only assignments are `self.x = self.x.to(device)` and its kin.

    Made again, such a move changes nothing.
    """
    found: dict[str, bool] = {}
    for node in nodes_in(function):
        if not isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for each in nodes_in(target):
                attribute = self_attribute(each)
                if attribute and not isinstance(getattr(each, "ctx", ast.Load()), ast.Load):
                    found[attribute] = found.get(attribute, True) and _is_move(node, attribute)
    return {attribute for attribute, only in found.items() if only}


def _is_move(node: ast.stmt, attribute: str) -> bool:
    call = node.value if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    func = call.func if isinstance(call, ast.Call) else None
    moves = isinstance(func, ast.Attribute) and func.attr in {"to", "cuda", "cpu"}
    return moves and isinstance(func, ast.Attribute) and self_attribute(func.value) == attribute


def _below(scope: Scope) -> set[str]:
    return reached(scope) - set(ENTRIES)


def _idle(body: list[ast.stmt], counters: set[str]) -> set[int]:
    """Nodes of statements that do nothing but count and tell."""
    found: set[int] = set()
    for statement in body:
        if _is_idle(statement, counters):
            found |= {id(node) for node in nodes_in(statement)}
        else:
            for name in ("body", "orelse", "finalbody"):
                found |= _idle(getattr(statement, name, []), counters)
    return found


def _is_idle(statement: ast.stmt, counters: set[str]) -> bool:
    if isinstance(statement, ast.AugAssign):
        return self_attribute(statement.target) in counters
    if isinstance(statement, ast.Assign):
        return all(self_attribute(target) in counters for target in statement.targets)
    if isinstance(statement, ast.If):
        return all(_is_idle(each, counters) for each in [*statement.body, *statement.orelse])
    return isinstance(statement, ast.Pass) or tells(statement) or _collected(statement) in counters


def _collected(node: ast.AST) -> str | None:
    """The attribute of the statement `self.x.append(...)` and its kin."""
    call = node.value if isinstance(node, ast.Expr) else None
    func = call.func if isinstance(call, ast.Call) else None
    if not isinstance(func, ast.Attribute) or func.attr not in COLLECTING:
        return None
    return self_attribute(func.value)


def _counted(node: ast.AST) -> str | None:
    """The attribute of `self.x += 1`, `self.x = self.x + 1` or `self.x.append(1)`."""
    if isinstance(node, ast.AugAssign):
        return self_attribute(node.target)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        name = self_attribute(node.targets[0])
        return name if name and mentions(node.value, name) else None
    return _collected(node)


def reached(scope: Scope) -> set[str]:
    """Methods that forward or values may call."""
    found: set[str] = set()
    start = [name for name in ENTRIES if name in scope.methods]
    while start:
        name = start.pop()
        if name not in found:
            found.add(name)
            around = {self_attribute(node) for node in nodes_in(scope.methods[name])}
            start += [name for name in scope.methods if name in around]
    return found


def mentions(part: ast.AST, attribute: str) -> bool:
    """Say whether a part of a class reads or sets `self.attribute`."""
    return any(self_attribute(node) == attribute for node in nodes_in(part))
