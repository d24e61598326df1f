"""Observations and states that forward changes where they are.

check_in_place   refuse them: on the new stack, a batch is read more than once
writes_into      the places where that happens
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope, self_attribute

#: Members of a tensor that stay a view of it, or are the tensor itself where nothing is to do.
VIEWS = frozenset(
    {"T", "mT", "view", "reshape", "flatten", "permute", "transpose", "squeeze", "unsqueeze"}
    | {"contiguous", "float", "to", "type", "detach", "data", "expand", "expand_as", "narrow"}
    | {"select", "view_as", "reshape_as", "swapaxes", "movedim", "unfold", "diagonal", "type_as"}
    | {"long", "int", "double", "half", "bool", "cpu", "cuda"}
)


def check_in_place(
    scope: Scope,
    function: ast.FunctionDef,
    roots: Collection[ast.expr],
    *,
    what: str = "its observation",
) -> None:
    """Note each place where forward writes into `roots`, or a part or view of them."""
    for node in writes_into(function, roots):
        scope.problem(node, f"changes {what} in place")


def writes_into(function: ast.FunctionDef, roots: Collection[ast.expr]) -> list[ast.AST]:
    """The places where a function writes into `roots`, a part or a view of them."""
    known = {id(root) for root in roots}
    names: set[str] = set()
    pairs = [pair for node in nodes_in(function) for pair in _bindings(node)]
    while True:  # a name may be bound to another before that is known
        found = {name for name, value in pairs if _is_observation(value, known, names)} - names
        if not found:
            break
        names |= found
    return [node for node in nodes_in(function) if _writes(node, known, names)]


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and attributes of self that a statement binds, each with what it is bound to."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        targets = [node.target]
    value = getattr(node, "value", None)
    for target in targets:
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        for bound, given in pairs:
            name = _name(bound)
            if name and given is not None:
                yield name, given


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    attribute = self_attribute(node)
    return f"self.{attribute}" if attribute else ""


def _writes(node: ast.AST, known: set[int], names: set[str]) -> bool:
    if isinstance(node, ast.AugAssign):
        return _is_observation(node.target, known, names)
    if isinstance(node, ast.Assign):
        return any(
            isinstance(t, ast.Subscript) and _is_observation(t.value, known, names)
            for t in node.targets
        )
    if not isinstance(node, ast.Call):
        return False
    told = {k.arg: k.value for k in node.keywords}
    first = node.args[0] if node.args else None
    if "out" in told and _is_observation(told["out"], known, names):
        return True
    if first is not None and "inplace" in told and _is_observation(first, known, names):
        return True
    if not isinstance(node.func, ast.Attribute) or not node.func.attr.endswith("_"):
        return False
    given = [node.func.value, *([first] if first is not None else [])]  # x.abs_(), torch.abs_(x)
    own = node.func.attr.endswith("__") or self_attribute(node.func)
    return not own and any(_is_observation(each, known, names) for each in given)


def _is_observation(node: ast.expr, known: set[int], names: set[str]) -> bool:
    """Say whether an expression is the observation, or shares memory with it."""
    while id(node) not in known:
        if _name(node):
            return _name(node) in names
        if isinstance(node, ast.Call):
            node = node.func
            if not isinstance(node, ast.Attribute):
                return False
        elif isinstance(node, ast.Subscript):
            node = node.value
            continue
        if not isinstance(node, ast.Attribute) or node.attr not in VIEWS:
            return False
        node = node.value
    return True
