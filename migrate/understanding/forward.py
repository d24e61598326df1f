"""What forward reads, calls and returns.

read_forward   mark what `_forward` must say otherwise
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Mapping

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.columns import Views
from rlmigrate.migrate.understanding.copied import read_copies
from rlmigrate.migrate.understanding.counters import moved, read_counters
from rlmigrate.migrate.understanding.flow import assigned_at_returns
from rlmigrate.migrate.understanding.helpers import handings, mark_handings
from rlmigrate.migrate.understanding.net_calls import (
    Forward,
    net_input,
    read_net_calls,
    read_net_output,
)
from rlmigrate.migrate.understanding.observed import Observed
from rlmigrate.migrate.understanding.own_locals import read_locals
from rlmigrate.migrate.understanding.scope import (
    Scope,
    asked_by_name,
    names_bound,
    names_in,
    parameters,
    self_attribute,
)
from rlmigrate.migrate.understanding.steps import read_states_in_place
from rlmigrate.migrate.understanding.super_calls import read_super_calls
from rlmigrate.migrate.understanding.telling import is_told

#: Reads of a tensor that need no cast.
CASTS = frozenset(
    {"float", "long", "int", "bool", "double", "half", "type", "to", "shape", "size", "device"}
    | {"dtype", "dim", "ndim", "type_as"}
)


def read_forward(
    scope: Scope,
    nets: Mapping[str, str],
    views: Views | None = None,
    *,
    sequential: bool = False,
) -> Forward | None:
    """Mark every place of `forward`; None where the class has none.

    A `sequential` one is given rows, a list of states and seq_lens as before.
    """
    node = scope.methods.get("forward")
    if node is None:
        scope.problem(scope.node, "has no forward of its own")
        return None
    names = [p.arg for p in parameters(node)]
    rest = {a.arg for a in (node.args.vararg, node.args.kwarg) if a is not None} | set(names[3:])
    read = {n.id for n in nodes_in(node) if isinstance(n, ast.Name)}
    if not names or (len(names) < 3 and not node.args.vararg) or rest & read:
        scope.problem(node, "has a forward with other parameters")
        return None
    batch, state, seq_lens = (*names, "", "")[:3]
    if sequential and len(names) < 3:
        scope.problem(node, "has a forward that does not name its states")
        return None
    renamed = read_locals(scope, node, {"batch", "kwargs"} - {batch})
    observed = Observed(scope, node, batch, views or Views())
    observed.find_replacement()
    result = Forward(node, observed, renamed=renamed)
    if not scope.net_base:
        result.returns += read_super_calls(scope, node)
    read_net_calls(scope, result, nets, (batch, state, seq_lens))
    observed.read()
    read_copies(observed)
    if sequential:
        read_states_in_place(scope, node, state)
        read_sequence_returns(scope, result, state)
    else:
        _read_returns(scope, result, nets, state)
        _read_state(scope, result, state, seq_lens)
    read_stores(scope, result, nets)
    return result


def returned_pair(scope: Scope, node: ast.Return) -> ast.Tuple | None:
    """The `output, state` that is returned; anything else is noted as a problem."""
    pair = node.value
    if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
        return pair
    scope.problem(node, "returns something else than (output, state)")
    return None


def _read_returns(scope: Scope, result: Forward, nets: Mapping[str, str], state: str) -> None:
    for node in nodes_in(result.node):
        if not isinstance(node, ast.Return) or node in result.returns:
            continue
        if any(isinstance(a, ast.FunctionDef | ast.Lambda) for a in _until(scope, node, result)):
            continue
        value = returned_pair(scope, node)
        if value is None:
            continue
        second = value.elts[1]
        empty = isinstance(second, ast.List) and not second.elts
        empty = empty or _asks_for_no_states(scope, second)
        named = isinstance(second, ast.Name) and (
            second.id == state
            or _from_net(scope, result, second.id)
            or _from_state(scope, result, second.id, state)
        )
        if not empty and not named:
            scope.problem(node, "returns a state of its own")
            continue
        scope.handle(second)
        scope.mark("return_pair", value)
        result.returns.append(node)
    if not any(isinstance(n, ast.Return) for n in nodes_in(result.node)):
        scope.problem(result.node, "never returns")


def read_sequence_returns(scope: Scope, result: Forward, state: str) -> None:
    """Mark every `return output, states` whose states are a list, however it is made."""
    for node in nodes_in(result.node):
        if not isinstance(node, ast.Return) or any(
            isinstance(a, ast.FunctionDef | ast.Lambda) for a in _until(scope, node, result)
        ):
            continue
        pair = returned_pair(scope, node)
        if pair is None:
            continue
        after = pair.elts[1]
        same = isinstance(after, ast.List) and not after.elts
        scope.mark("return_sequences", pair, "same" if same else "")
        result.returns.append(node)
    if not any(isinstance(n, ast.Return) for n in nodes_in(result.node)):
        scope.problem(result.node, "never returns")


def _until(scope: Scope, node: ast.AST, result: Forward) -> list[ast.AST]:
    found = []
    for ancestor in scope.ancestors(node):
        if ancestor is result.node:
            break
        found.append(ancestor)
    return found


def _from_net(scope: Scope, result: Forward, name: str) -> bool:
    """Say whether a name is only ever bound as the state beside a net's output."""
    bound = [
        n
        for n in nodes_in(result.node)
        if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
    ]
    return bool(bound) and all(id(n) in scope.handled for n in bound)


def _from_state(scope: Scope, result: Forward, name: str, state: str) -> bool:
    """Say whether a name is only ever bound beside another, by a call that is handed the states.

    Where a model has none, what such a call returns in their place goes nowhere.
    """
    bound = [
        scope.parent(n)
        for n in nodes_in(result.node)
        if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
    ]
    calls = [
        assign.value
        for pair in bound
        if isinstance(pair, ast.Tuple)
        and len(pair.elts) == 2
        and isinstance(assign := scope.parent(pair), ast.Assign)
    ]
    return (
        bool(calls)
        and all(
            isinstance(call, ast.Call)
            and any(isinstance(a, ast.Name) and a.id == state for a in call.args)
            for call in calls
        )
        and len(calls) == len(bound)
    )


def _asks_for_no_states(scope: Scope, node: ast.expr) -> bool:
    """`self.get_initial_state()` of a class without states: an empty list."""
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return False
    return self_attribute(node.func) == "get_initial_state"


def _read_state(scope: Scope, result: Forward, state: str, seq_lens: str) -> None:
    """Without states to begin with, `state` is an empty list, which may be handed on."""
    reads = []
    for node in nodes_in(result.node):
        if not isinstance(node, ast.Name) or id(node) in scope.handled:
            continue
        if node.id == state and isinstance(node.ctx, ast.Load):
            if isinstance(scope.parent(node), ast.Subscript):
                scope.problem(node, "reads its recurrent state")
            reads.append(node)
        elif node.id == seq_lens and isinstance(node.ctx, ast.Load):
            if is_told(scope, node):
                scope.mark("told_lengths", node)
                continue
            scope.problem(node, "reads seq_lens")
    if len(reads) == 1 and state not in names_bound(result.node):
        scope.mark("no_states", reads[0])
    elif reads:
        result.empty_state = state


def stored_locals(
    function: ast.FunctionDef, file: FileEntry, methods: Mapping[str, ast.FunctionDef]
) -> dict[str, str]:
    """Attributes that a function and its helpers set, with a local name that is free in them."""
    helpers = {id(each.call): each for each in handings(methods, function).values()}
    taken = names_in(function) | {"batch", "kwargs", "outs", "embeddings"}
    taken = taken.union(*(names_in(each.node) for each in helpers.values()))
    found: dict[str, str] = {}
    set_here: list[str] = []
    for node in nodes_in(function):
        if id(node) in helpers:
            set_here += helpers[id(node)].attributes
            continue
        attribute = self_attribute(node)
        if attribute is not None and not isinstance(getattr(node, "ctx", None), ast.Load):
            set_here.append(attribute)
    for attribute in dict.fromkeys(set_here):
        local = attribute.strip("_") or "kept"
        while (
            local in taken
            or local in file.imports.names
            or keyword.iskeyword(local)
            or hasattr(builtins, local)
        ):
            local += "_"
        taken.add(local)
        found[attribute] = local
    return found


def read_stores(scope: Scope, result: Forward, nets: Mapping[str, str]) -> None:
    """Find the attributes that forward sets, and name a local for each."""
    helpers = handings(scope.methods, result.node)
    read_counters(scope, result.node)
    scope.staying |= moved(result.node) if scope.framework != "tf" else set()
    found = stored_locals(result.node, scope.file, scope.methods)
    result.stored = {name: local for name, local in found.items() if name not in scope.staying}
    result.helpers = {name: each.attributes for name, each in helpers.items()}
    mark_handings(scope, helpers, result.stored)
    for name in result.stored:
        if asked_by_name(scope.node, name):
            scope.problem(result.node, f"asks for self.{name} by name")
    first_load: dict[str, int] = {}
    for node in nodes_in(result.node):
        attribute = self_attribute(node)
        if attribute is None or not isinstance(node, ast.Attribute) or attribute in scope.staying:
            continue
        place = node.lineno * 1000 + node.col_offset
        if isinstance(node.ctx, ast.Load):
            first_load[attribute] = min(place, first_load.get(attribute, place))
            continue
        if isinstance(node.ctx, ast.Del) or attribute in nets:
            scope.problem(node, f"replaces self.{attribute} in forward")
        holder = scope.parent(node)
        if isinstance(holder, ast.AugAssign | ast.For | ast.With):
            scope.problem(node, f"counts in self.{attribute}")
    assigned = assigned_at_returns(result.node, result.sets)
    stores = {
        a: min(
            _set_at(scope, n)
            for n in nodes_in(result.node)
            if isinstance(n, ast.expr) and a in result.sets_here(n)
        )
        for a in result.stored
    }
    for attribute in result.stored:
        if first_load.get(attribute, 10**9) < stores[attribute]:
            scope.problem(result.node, f"reads self.{attribute} from the call before")
        elif attribute in first_load and attribute not in assigned:
            scope.problem(result.node, f"sets self.{attribute} only under a condition")


def _set_at(scope: Scope, node: ast.expr) -> int:
    """Where an attribute has its new value: behind the statement that computes it."""
    around = [
        node,
        *(a for a in scope.ancestors(node) if isinstance(a, ast.Assign | ast.AnnAssign)),
    ]
    last = around[1] if len(around) > 1 else node
    return (last.end_lineno or node.lineno) * 1000 + (last.end_col_offset or 0)


__all__ = [
    "CASTS",
    "Forward",
    "net_input",
    "read_forward",
    "read_net_output",
    "read_stores",
    "stored_locals",
]
