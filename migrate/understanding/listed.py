"""Inputs that forward lays aside in a list, for a value net that value_function calls.

find_listed      `self._model_in = [input_dict["obs_flat"], state, seq_lens]`
read_value_nets  the calls in value_function, and what they are given of such a list
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.net_calls import (
    entries_of,
    handed_input,
    net_input,
    read_net_output,
)
from rlmigrate.migrate.understanding.scope import Scope, parameters, self_attribute

Listed = Mapping[str, tuple[ast.expr, ...]]


def find_listed(scope: Scope) -> Listed:
    """Find the attributes that hold such a list, and let the states in it go."""
    forward, values = scope.methods.get("forward"), scope.methods.get("value_function")
    if forward is None or values is None:
        return {}
    found: dict[str, tuple[ast.expr, ...]] = {}
    for statement in forward.body:
        attribute = _laid_aside(statement)
        if attribute is None or not isinstance(statement, ast.Assign):
            continue
        if not _only_read_by_index(scope, attribute, statement, values):
            continue
        literal = statement.value
        assert isinstance(literal, ast.List | ast.Tuple)
        states = {p.arg for p in parameters(forward)[1:3]}
        for element in literal.elts:
            if isinstance(element, ast.Name) and element.id in states:
                scope.handle(element)
        found[attribute] = tuple(literal.elts)
    return found


def _laid_aside(statement: ast.stmt) -> str | None:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    listed = isinstance(statement.value, ast.List | ast.Tuple)
    return self_attribute(statement.targets[0]) if listed else None


def _only_read_by_index(
    scope: Scope, attribute: str, store: ast.Assign, values: ast.FunctionDef
) -> bool:
    """Say whether the list is set once, and read as `self.x[0]` in value_function alone."""
    inside = {id(n) for n in nodes_in(values)}
    init = scope.methods.get("__init__")
    prepared = {id(n) for n in nodes_in(init)} if init else set()
    for node in nodes_in(scope.node):
        if self_attribute(node) != attribute or node is store.targets[0]:
            continue
        holder = scope.parent(node)
        index = holder.slice if isinstance(holder, ast.Subscript) else None
        by_index = isinstance(index, ast.Constant) and isinstance(index.value, int)
        asserted = any(isinstance(a, ast.Assert) for a in scope.ancestors(node))
        emptied = id(node) in prepared and isinstance(holder, ast.Assign)
        if not emptied and not (id(node) in inside and (by_index or asserted)):
            return False
    return True


def read_value_nets(
    scope: Scope, forward: Forward, nets: Mapping[str, str], listed: Listed
) -> None:
    """Mark what value_function reads of the lists, and the nets that it calls itself."""
    values = scope.methods.get("value_function")
    if values is None or not listed:
        return
    states = {p.arg for p in parameters(forward.node)[1:3]}
    idle: set[int] = set()
    for node in nodes_in(values):
        attribute = self_attribute(node)
        asserted = isinstance(node, ast.Assert) and {self_attribute(n) for n in nodes_in(node)}
        if isinstance(node, ast.Assert) and asserted and asserted & set(listed):
            scope.mark("drop", node)
            scope.handle(node)
        elif attribute in listed and id(node) not in scope.handled:
            idle |= _read_item(scope, forward, node, listed[attribute or ""], states)
    for attribute in listed:
        forward.stored.pop(attribute, None)
        _drop(scope, attribute, values)
    for node in nodes_in(values):
        attribute = self_attribute(node)
        if attribute in nets and isinstance(node, ast.Attribute):
            _read_call(scope, node, nets[attribute or ""], idle)
    for node in nodes_in(values):
        if id(node) in idle:
            scope.problem(node, "reads its recurrent state in value_function")


def _read_item(
    scope: Scope, forward: Forward, node: ast.AST, elements: tuple[ast.expr, ...], states: set[str]
) -> set[int]:
    """`self.x[i]`: the observation once more, or a state that no plain net needs."""
    item = scope.parent(node)
    if not isinstance(item, ast.Subscript) or not isinstance(item.slice, ast.Constant):
        return set()
    place = item.slice.value
    if not isinstance(place, int) or not -len(elements) <= place < len(elements):
        scope.problem(item, f"reads {ast.unparse(item)}, which forward does not set")
        return set()
    element = elements[place]
    if isinstance(element, ast.Name) and element.id in states:
        return {id(item)}
    pure = forward.observed.pure(element)
    if pure is None:
        scope.problem(element, f"lays {ast.unparse(element)} aside in a list")
    else:
        scope.mark("kept_pure", item, source=pure)
        scope.handle(item)
    return set()


def _drop(scope: Scope, attribute: str, values: ast.FunctionDef) -> None:
    inside = {id(n) for n in nodes_in(values)}
    for node in nodes_in(scope.node):
        holder = scope.parent(node)
        outside = self_attribute(node) == attribute and id(node) not in inside
        if outside and isinstance(holder, ast.Assign):
            scope.mark("drop", holder)
            scope.handle(holder)


def _read_call(scope: Scope, node: ast.Attribute, net: str, idle: set[int]) -> None:
    """`out, _ = self.net({"obs": ...}, state, seq_lens)` in value_function."""
    call = scope.parent(node)
    if not isinstance(call, ast.Call) or call.func is not node:
        return
    first = handed_input(call)
    given = net_input(entries_of(scope, first), net)
    rest = [a for a in (*call.args, *(k.value for k in call.keywords)) if a is not first]
    plain = all(
        id(each) in idle
        or (isinstance(each, ast.List) and not each.elts)
        or (isinstance(each, ast.Constant) and each.value is None)
        for each in rest
    )
    if given is None or not plain or isinstance(scope.parent(call), ast.Return):
        scope.problem(call, f"calls self.{node.attr} for values in a way that is not understood")
        return
    idle -= {id(each) for each in rest}
    scope.mark("net_input", call, given=given)
    scope.handled.add(id(node))
    read_net_output(scope, call, node.attr, scope.methods["value_function"])
