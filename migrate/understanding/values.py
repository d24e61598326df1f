"""What value_function needs from the forward before it.

Values        which kept attributes it reads, which nets it asks
read_values   mark what compute_values must say otherwise
read_values_alone   the same, where forward is that of a net of RLlib
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.flow import assigned_at_returns
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.net_base import NET_BASE, is_net_super, said
from rlmigrate.migrate.understanding.own_locals import read_locals
from rlmigrate.migrate.understanding.scope import (
    Scope,
    body_without_docstring,
    parameters,
    self_attribute,
)


@dataclass
class Values:
    """Reads of one value_function."""

    node: ast.FunctionDef | None
    kept: list[str] = field(default_factory=list)
    nets: list[str] = field(default_factory=list)


def read_values(scope: Scope, forward: Forward, nets: Mapping[str, str]) -> Values:
    """Mark every place of `value_function`; a class without one has no values."""
    node = scope.methods.get("value_function")
    if node is None and scope.net_base:
        return _net_values(scope, forward)
    if node is None:
        return Values(None)
    body = body_without_docstring(node)
    if not body or (len(body) == 1 and isinstance(body[0], ast.Raise | ast.Pass)):
        if scope.net_base:
            scope.problem(node, f"has no values, which {scope.net_base} has")
        return Values(None)
    result = Values(node)
    _check_shape(scope, node)
    for each in nodes_in(node):
        if isinstance(each, ast.Assert) and _asserts_kept(each, forward):
            scope.mark("drop", each)
            scope.handle(each)
    for each in nodes_in(node):
        if scope.net_base and is_net_super(each) and isinstance(each, ast.expr):
            _read_net(scope, forward, result, each, NET_BASE)
            continue
        attribute = self_attribute(each)
        if attribute is None or id(each) in scope.handled or not isinstance(each, ast.Attribute):
            continue
        if not isinstance(each.ctx, ast.Load):
            scope.problem(each, f"sets {said(attribute)} in value_function")
        elif attribute in forward.stored:
            result.kept += [] if attribute in result.kept else [attribute]
        elif attribute in nets:
            _read_net(scope, forward, result, each, attribute)
    _check_paths(scope, forward, result)
    return result


def read_values_alone(scope: Scope) -> Values:
    """Mark value_function of a class that leaves its outputs to the net of RLlib above it."""
    node = scope.methods.get("value_function")
    if node is None:
        return Values(None)
    body = body_without_docstring(node)
    if not body or (len(body) == 1 and isinstance(body[0], ast.Raise | ast.Pass)):
        scope.problem(node, f"has no values, which {scope.net_base} has")
    _check_shape(scope, node)
    for each in nodes_in(node):
        attribute = self_attribute(each)
        if attribute and not isinstance(getattr(each, "ctx", None), ast.Load):
            scope.problem(each, f"sets self.{attribute} in value_function")
        elif is_net_super(each):
            asked = scope.parent(each)
            call = scope.parent(asked)
            known = isinstance(asked, ast.Attribute) and asked.attr == "value_function"
            if known and isinstance(call, ast.Call) and call.func is asked:
                scope.mark("super_values", call)
            else:
                scope.problem(each, "looks into super() for values")
    return Values(node)


def _check_shape(scope: Scope, node: ast.FunctionDef) -> None:
    if parameters(node):
        scope.problem(node, "has a value_function with parameters")
    read_locals(scope, node, {"batch", "embeddings"})
    if not any(isinstance(n, ast.Return) for n in nodes_in(node)):
        scope.problem(node, "has a value_function that returns nothing")


def _net_values(scope: Scope, forward: Forward) -> Values:
    """The values of the net of RLlib that a class inherits from, for what forward gave it."""
    result = Values(None)
    if NET_BASE not in forward.given:
        scope.problem(forward.node, f"leaves its values to {scope.net_base}, which it does not run")
        return result
    result.nets.append(NET_BASE)
    _check_paths(scope, forward, result)
    return result


def _asserts_kept(node: ast.Assert, forward: Forward) -> bool:
    test = node.test
    left = test.left if isinstance(test, ast.Compare) else test
    return self_attribute(left) in forward.stored


def _read_net(
    scope: Scope, forward: Forward, result: Values, node: ast.expr, attribute: str
) -> None:
    outer = scope.parent(node)
    call = scope.parent(outer)
    asked = isinstance(outer, ast.Attribute) and outer.attr == "value_function"
    if not asked or not isinstance(call, ast.Call):
        scope.problem(node, f"looks into {said(attribute)} for values")
    elif attribute not in forward.given:
        scope.problem(node, f"asks {said(attribute)} for values, which forward does not call")
    else:
        scope.mark("net_value", call, attribute)
        result.nets += [] if attribute in result.nets else [attribute]


def _is_called(scope: Scope, node: ast.AST) -> bool:
    """Say whether `self.net` stands in `self.net(...)` or `self.net.forward(...)`."""
    outer = scope.parent(node)
    if isinstance(outer, ast.Attribute) and outer.attr == "forward":
        return isinstance(scope.parent(outer), ast.Call)
    return isinstance(outer, ast.Call) and outer.func is node


def _check_paths(scope: Scope, forward: Forward, result: Values) -> None:
    """What values need must be there whichever way forward returned."""

    def happens(node: ast.AST) -> set[str]:
        found = set()
        for each in nodes_in(node):
            name = self_attribute(each)
            found |= forward.sets_here(each)
            if name and _is_called(scope, each):
                found.add(f"{name}()")
            elif is_net_super(each) and _is_called(scope, each):
                found.add(f"{NET_BASE}()")
        return found

    sure = assigned_at_returns(forward.node, happens)
    for attribute in result.kept:
        if attribute not in sure:
            scope.problem(forward.node, f"sets {said(attribute)} only on some paths of forward")
    for attribute in result.nets:
        if f"{attribute}()" not in sure:
            scope.problem(forward.node, f"calls {said(attribute)} only on some paths of forward")
