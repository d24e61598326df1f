"""Inputs that forward changes in place: read as a copy, which gives the same numbers.

The old stack handed the batch's own tensors over, so that forward changed the batch. On the new
stack others read the batch later, among them values. What one place alone reads is copied there;
an observation that several places read is copied once, before all of them.

read_copies   find what must be copied, or note why that would not do
read_inputs   mark a forward_rnn that changes its inputs
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.in_place import check_values, place_of_class, writes_into
from rlmigrate.migrate.understanding.memory import MUTATORS
from rlmigrate.migrate.understanding.observed import Observed
from rlmigrate.migrate.understanding.scope import Scope
from rlmigrate.migrate.understanding.sharing import Sharing

#: What repeats, or runs elsewhere than where it stands.
_AGAIN = (
    *(ast.For, ast.While, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    *(ast.FunctionDef, ast.AsyncFunctionDef),
)
IN_PLACE = "changes its observation in place"


def read_copies(observed: Observed) -> None:
    """Say what of the observation and of the other columns must be copied."""
    function, scope = observed.function, observed.scope
    if scope.framework == "tf":  # whose tensors nobody can change
        return
    spots = [*observed.roots, *observed.leaves, *observed.flats, *observed.columns]
    later = [observed.replaced.targets[0], *observed.after] if observed.replaced else []
    found = writes_into(scope, function, spots, later=later)
    check_values(scope, found, "its observation")
    touched = {label for value in found.writes.values() for label, _ in value}
    columns = [each for each in observed.columns if id(each) in touched]
    for each in columns:
        if _is_alone(observed, each):
            observed.copied.append(each)
        else:
            scope.problem(each, f"changes {ast.unparse(each)} in place")
    parts = [each for each in spots if id(each) in touched and each not in columns]
    if not parts:
        return
    if _hands_on(scope) or not _may_copy(scope):
        for node in found.writes:
            scope.problem(node, IN_PLACE)
    elif _read_once(observed, parts) and not _is_rebuilt(found):
        observed.copied += parts
    elif observed.flats or observed.replaced is not None or observed.views.declared:
        for node in found.writes:
            scope.problem(node, IN_PLACE)
    else:
        observed.copy_first()


def read_inputs(scope: Scope, function: ast.FunctionDef, inputs: str) -> None:
    """Mark a forward_rnn that changes its flat inputs in place, which only it reads."""
    if scope.framework == "tf":
        return
    found = Sharing(place_of_class(scope), {}, env={inputs: frozenset({(0, 0)})})
    found.run(function)
    if found.writes and not scope.kin:
        scope.mark("inputs_copy", function)
        return
    for node in found.writes:
        scope.problem(node, IN_PLACE)


def _may_copy(scope: Scope) -> bool:
    """Say whether nothing but forward sees what it changes."""
    return not (scope.kin or {"custom_loss", "metrics"} & set(scope.methods))


def _is_rebuilt(found: Sharing) -> bool:
    """Say whether a dict of parts is changed, not only the numbers in them."""
    return found.structured or any(
        isinstance(node, ast.Delete)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in MUTATORS
        )
        for node in found.writes
    )


def _read_once(observed: Observed, parts: Collection[ast.expr]) -> bool:
    """Say whether one place alone reads each part that is changed."""
    if observed.views.declared or not all(_stands_once(observed, each) for each in parts):
        return False
    if observed.flats:
        return not observed.roots and len(observed.flats) == 1
    if not observed.keys:
        return len(observed.roots) == 1
    if observed.whole or "?" in observed.keys or observed.replaced is not None:
        return False
    paths = [_path(observed, leaf) for leaf in observed.leaves]
    for each in parts:
        own = _path(observed, each)
        if each in observed.roots or sum(own[: len(p)] == p[: len(own)] for p in paths) != 1:
            return False
    return True


def _is_alone(observed: Observed, column: ast.expr) -> bool:
    """Say whether one place alone reads a column."""
    assert isinstance(column, ast.Subscript)
    key = observed.scope.key_of(column.slice)
    keys = [observed.scope.key_of(c.slice) for c in observed.columns]
    alone = keys.count(key) == 1 and _stands_once(observed, column)
    return alone and not observed.scope.kin


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
        if isinstance(ancestor, ast.For) and _is_first(ancestor, node):
            continue
        if isinstance(ancestor, _AGAIN):
            return False
    return True


def _is_first(loop: ast.For, node: ast.expr) -> bool:
    """Say whether a place is what a loop goes through, which is read once."""
    return any(each is node for each in nodes_in(loop.iter))
