"""Calls of a base's forward and value_function, where the base is a model of the repository.

calls_base         say whether a method hands on to the base's method of its name
read_super_calls   mark `out, state = super().forward(...)` and its kin
read_super_values  mark `super().value_function()`
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.memory import MUTATORS
from rlmigrate.migrate.understanding.scope import Scope, parameters

#: Methods that have another name and form on the new stack.
RENAMED = frozenset({"forward", "forward_rnn", "value_function", "get_initial_state", "__call__"})


def calls_base(method: ast.FunctionDef) -> bool:
    """Say whether a method hands on to the base's method of its name."""
    return any(_is_super_call(node, method.name) for node in nodes_in(method))


def _is_super_call(node: ast.AST, name: str) -> bool:
    """`super().name(...)` or `super(Cls, self).name(...)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    named = node.func.attr == name and isinstance(owner, ast.Call)
    return named and isinstance(owner, ast.Call) and dotted(owner.func) == "super"


def read_super_calls(scope: Scope, function: ast.FunctionDef) -> list[ast.Return]:
    """Mark the calls of the base's forward; returns the returns that need nothing else."""
    calls = [n for n in nodes_in(function) if _is_super_call(n, "forward")]
    returned: list[ast.Return] = []
    names = [p.arg for p in parameters(function)]
    if calls and (scope.kin is None or not scope.kin.bases):
        scope.problem(calls[0], "calls the forward of RLlib's model")
        return []
    if len(calls) > 1:
        scope.problem(calls[1], "calls its base's forward more than once")
    for call in calls[:1]:
        assert isinstance(call, ast.Call)
        if _is_changed(function, names[:3]):
            scope.problem(call, "changes what it hands to its base's forward")
        if not _same_arguments(call, names):
            scope.problem(call, "calls its base's forward with other arguments than its own")
            continue
        for argument in call.args:
            scope.handle(argument)
        parent = scope.parent(call)
        if isinstance(parent, ast.Return):
            scope.mark("super_return", call)
            returned.append(parent)
        elif _pair(scope, function, parent, names[1]):
            scope.mark("super_pair", parent)
        else:
            scope.problem(call, "uses what its base's forward returns in another way")
    return returned


def _same_arguments(call: ast.Call, names: Sequence[str]) -> bool:
    given = [a.id for a in call.args if isinstance(a, ast.Name)]
    return not call.keywords and given == list(names[: len(call.args)]) and len(given) == 3


def _is_changed(function: ast.FunctionDef, names: Sequence[str]) -> bool:
    """Say whether a function binds its parameters anew, or lays something into its input."""
    for node in nodes_in(function):
        stored = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        if stored and isinstance(node, ast.Name) and node.id == names[0]:
            return True
        if stored and isinstance(node, ast.Subscript) and dotted(node.value) in names:
            return True
        called = node.func if isinstance(node, ast.Call) else None
        changes = isinstance(called, ast.Attribute) and called.attr in MUTATORS
        if changes and isinstance(called, ast.Attribute) and dotted(called.value) in names:
            return True
    return False


def _pair(scope: Scope, function: ast.FunctionDef, node: ast.AST, state: str) -> bool:
    """`out, state = super().forward(...)` in the body itself, whose state is only returned."""
    if not isinstance(node, ast.Assign) or node not in function.body or len(node.targets) != 1:
        return False
    target = node.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return False
    first, second = target.elts
    if not isinstance(first, ast.Name) or not isinstance(second, ast.Name):
        return False
    scope.handle(second)
    if {"outs"} & {n.id for n in nodes_in(function) if isinstance(n, ast.Name)}:
        return False
    if any(isinstance(n, ast.Return) and n.lineno < node.lineno for n in nodes_in(function)):
        return False
    reads = [
        n
        for n in nodes_in(function)
        if isinstance(n, ast.Name) and n.id == second.id and isinstance(n.ctx, ast.Load)
    ]
    return all(
        id(n) in scope.handled
        or (isinstance(scope.parent(n), ast.Tuple) and _is_returned(scope, scope.parent(n), n))
        for n in reads
    ) and (second.id == state or second.id not in {p.arg for p in parameters(function)})


def _is_returned(scope: Scope, pair: ast.AST, node: ast.Name) -> bool:
    last = isinstance(pair, ast.Tuple) and pair.elts[-1] is node
    return last and isinstance(scope.parent(pair), ast.Return)


def read_super_values(scope: Scope) -> None:
    """Mark `super().value_function()` in the class's own; refuse `Base.value_function(self)`."""
    bases = {dotted(b.value if isinstance(b, ast.Subscript) else b) for b in scope.node.bases}
    above = {each.node.name for each in scope.line}
    bases -= {each.node.name for each in scope.kin.mixins} if scope.kin is not None else set()
    for node in nodes_in(scope.node):
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr in RENAMED:
            owner = dotted(func.value)
            if owner and owner in bases | above and id(node) not in scope.handled:
                scope.problem(node, f"calls {func.attr} of {owner} by the name of the class")
    function = scope.methods.get("value_function")
    for node in nodes_in(function) if function is not None else ():
        if _is_super_call(node, "value_function"):
            if scope.kin is not None and scope.kin.bases:
                scope.mark("super_values", node)
            else:
                scope.problem(node, "asks RLlib's model for values")


__all__ = ["calls_base", "read_super_calls", "read_super_values"]
