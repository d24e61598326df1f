"""Observations that forward changes in place: read as a copy, where that gives the same numbers.

The old stack handed the batch's own tensor over, so that forward changed the batch. On the new
stack others read the batch later, among them values. Where forward alone reads an observation, and
in one place, a copy there gives it the same numbers.

read_copies   find what must be copied, or note why that would not do
read_inputs   mark a forward_rnn that changes its inputs
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.in_place import writes_into
from rlmigrate.migrate.understanding.observed import Observed
from rlmigrate.migrate.understanding.scope import Scope

#: What repeats, or runs elsewhere than where it stands.
_AGAIN = (
    *(ast.For, ast.While, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    *(ast.FunctionDef, ast.AsyncFunctionDef),
)


def read_copies(observed: Observed) -> list[ast.expr]:
    """Return the reads of the observation that must be copied; empty where none is changed."""
    function, scope = observed.function, observed.scope
    writes = writes_into(function, observed.roots)
    if not writes:
        return []
    if observed.keys:
        copied = [leaf for leaf in observed.leaves if writes_into(function, [leaf])]
    else:
        copied = list(observed.roots)
    served = {id(node) for node in writes_into(function, copied)}
    alone = all(id(node) in served for node in writes) and _alone(observed, copied)
    if alone and all(_stands_once(observed, each) for each in copied):
        return copied
    for node in writes:
        scope.problem(node, "changes its observation in place")
    return []


def read_inputs(scope: Scope, function: ast.FunctionDef, inputs: str) -> None:
    """Mark a forward_rnn that changes its flat inputs in place, which only it reads."""
    names = [n for n in nodes_in(function) if isinstance(n, ast.Name) and n.id == inputs]
    writes = writes_into(function, names)
    if writes and not scope.kin:
        scope.mark("inputs_copy", function)
        return
    for node in writes:
        scope.problem(node, "changes its observation in place")


def _alone(observed: Observed, copied: list[ast.expr]) -> bool:
    """Say whether nothing but the `copied` places reads what is changed."""
    scope = observed.scope
    if scope.kin or scope.framework == "tf" or {"custom_loss", "metrics"} & set(scope.methods):
        return False
    if observed.flat or observed.replaced is not None or observed.views.declared:
        return False
    if _hands_on(scope):
        return False
    if not observed.keys:
        return len(copied) == 1
    if observed.whole or "?" in observed.keys:
        return False
    paths = [_path(observed, leaf) for leaf in observed.leaves]
    for each in copied:
        own = _path(observed, each)
        if sum(own[: len(p)] == p[: len(own)] for p in paths) != 1:
            return False
    return True


def _path(observed: Observed, leaf: ast.expr) -> list[str]:
    """The keys of a part of the observation, outermost first."""
    found: list[str] = []
    while isinstance(leaf, ast.Subscript) and leaf not in observed.roots:
        found.insert(0, observed.scope.key_of(leaf.slice) or "?")
        leaf = leaf.value
    return found


def _hands_on(scope: Scope) -> bool:
    """Say whether a net of RLlib is given something, which its values need unchanged."""
    return any(mark.kind in {"net_batch", "net_flat", "net_input"} for mark in scope.marks)


def _stands_once(observed: Observed, node: ast.expr) -> bool:
    """Say whether a place is run once a call, as a statement of forward itself or under an if."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    for ancestor in observed.scope.ancestors(node):
        if ancestor is observed.function:
            return True
        if isinstance(ancestor, _AGAIN):
            return False
    return True
