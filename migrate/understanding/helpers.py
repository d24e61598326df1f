"""Helpers of forward that set attributes: they hand the values on beside what they return.

Handing        one helper, where forward calls it, and what it sets
handings       find the helpers whose attributes can be handed on
mark_handings  mark their returns and the calls
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.flow import assigned_at_returns
from rlmigrate.migrate.understanding.scope import Scope, attributes_set, self_attribute

NEVER = frozenset({"__init__", "forward", "value_function", "get_initial_state", "custom_loss"})


@dataclass(frozen=True)
class Handing:
    """A helper that forward calls once, in `target = self.helper(...)`."""

    name: str
    node: ast.FunctionDef
    call: ast.Call
    target: ast.expr
    attributes: tuple[str, ...]


def handings(
    methods: Mapping[str, ast.FunctionDef], function: ast.FunctionDef
) -> dict[str, Handing]:
    """Helpers of `function` that surely set attributes, by name; only such as it alone calls."""
    found: dict[str, Handing] = {}
    assigns = {
        id(node.value): node.targets[0]
        for node in nodes_in(function)
        if isinstance(node, ast.Assign) and len(node.targets) == 1
    }
    for node in nodes_in(function):
        name = self_attribute(node.func) if isinstance(node, ast.Call) else None
        target = assigns.get(id(node))
        if not isinstance(node, ast.Call) or name is None or target is None:
            continue
        helper = methods.get(name)
        if helper is None or helper is function or name in NEVER or _mentions(methods, name) != 1:
            continue
        attributes = tuple(sorted(attributes_set(helper)))
        if attributes and _hands_all(helper, attributes) and _same_shape(helper, target):
            found[name] = Handing(name, helper, node, target, attributes)
    return found


def _mentions(methods: Mapping[str, ast.FunctionDef], name: str) -> int:
    """How often a class speaks of a method of its own, as self.x, super().x or by name."""
    return sum(
        (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Constant) and node.value == name)
        for method in methods.values()
        for node in nodes_in(method)
    )


def _hands_all(helper: ast.FunctionDef, attributes: tuple[str, ...]) -> bool:
    """Say whether every return can hand every attribute on, and no call finds an earlier one's."""
    if any(isinstance(n, ast.Yield | ast.YieldFrom | ast.AugAssign) for n in nodes_in(helper)):
        return False
    if not set(attributes) <= assigned_at_returns(helper, attributes_set):
        return False
    first: dict[str, tuple[int, int, bool]] = {}
    for node in nodes_in(helper):
        name = self_attribute(node)
        if name in attributes and isinstance(node, ast.Attribute):
            stores = isinstance(node.ctx, ast.Store)
            place = (_line(helper, node), 0 if not stores else 1, stores)
            first[name or ""] = min(first.get(name or "", place), place)
    return all(stores for _, _, stores in first.values())


def _line(helper: ast.FunctionDef, node: ast.Attribute) -> int:
    return node.lineno - helper.lineno


def _same_shape(helper: ast.FunctionDef, target: ast.expr) -> bool:
    """Say whether what is returned is unpacked as it is written: pairs into pairs, one into one."""
    returns = [n for n in nodes_in(helper) if isinstance(n, ast.Return)]
    inner = {
        id(n)
        for f in nodes_in(helper)
        if isinstance(f, ast.FunctionDef | ast.Lambda) and f is not helper
        for n in nodes_in(f)
    }
    size = len(target.elts) if isinstance(target, ast.Tuple) else 0
    if not returns or not isinstance(target, ast.Tuple | ast.Name | ast.Attribute):
        return False
    for each in returns:
        value = each.value
        given = len(value.elts) if isinstance(value, ast.Tuple) else 0
        starred = isinstance(value, ast.Tuple) and any(
            isinstance(e, ast.Starred) for e in value.elts
        )
        if value is None or given != size or starred or id(each) in inner:
            return False
    return True


def mark_handings(scope: Scope, found: Mapping[str, Handing], locals_of: Mapping[str, str]) -> None:
    """Mark what each helper returns beside, and where forward takes it."""
    for handing in found.values():
        names = ", ".join(locals_of[a] for a in handing.attributes)
        scope.handing.add(handing.name)
        scope.mark("handed", handing.target, names)
        for node in nodes_in(handing.node):
            attribute = self_attribute(node)
            if isinstance(node, ast.Return) and node.value is not None:
                scope.mark("handed", node.value, names)
            elif attribute in handing.attributes:
                scope.mark("kept_local", node, locals_of[attribute or ""])
                scope.handled.add(id(node))
        if handing.node.returns is not None:
            scope.mark("handed_type", handing.node.returns)
        _check_kin(scope, handing.name)


def _check_kin(scope: Scope, name: str) -> None:
    kin = scope.kin
    around = (*kin.bases, *(heir for heir, _ in kin.heirs)) if kin is not None else ()
    for each in around:
        if name in each.methods or _mentions(each.methods, name):
            shared = f"shares {name}, which sets attributes, with {each.node.name}"
            scope.problem(scope.node, shared)
