"""What a recurrent model does with time and state.

read_recurrent        mark what `_forward_train` must say otherwise of a plain `forward_rnn`
read_sequences        the same where states stay a list, as the old stack had them
may_be_stateless      say whether there are states at all
read_initial_states   mark what get_initial_state must say otherwise where states stay a list
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.copied import read_inputs
from rlmigrate.migrate.understanding.forward import (
    Forward,
    read_sequence_returns,
    read_stores,
    returned_pair,
)
from rlmigrate.migrate.understanding.kin import Kin, is_abstract, owner_in
from rlmigrate.migrate.understanding.observed import Observed
from rlmigrate.migrate.understanding.own_locals import read_locals
from rlmigrate.migrate.understanding.scope import Scope, names_bound, parameters
from rlmigrate.migrate.understanding.steps import (
    ACROSS_STEPS,
    goes_step_by_step,
    read_states_in_place,
)


def is_recurrent(scope: Scope) -> bool:
    """Say whether a class fills in forward_rnn of RLlib's torch RecurrentNetwork."""
    bases = [scope.rllib(base) or "" for base in scope.node.bases]
    named = any(b.endswith(".RecurrentNetwork") and ".torch" in b for b in bases)
    return named and "forward_rnn" in scope.methods and "forward" not in scope.methods


def read_recurrent(scope: Scope) -> tuple[Forward | None, tuple[str, ...]]:
    """Mark every place of forward_rnn and get_initial_state; returns the names of the states."""
    node = scope.methods["forward_rnn"]
    names = [p.arg for p in parameters(node)]
    if len(names) != 3 or node.args.vararg or node.args.kwarg:
        scope.problem(node, "has a forward_rnn with other parameters")
        return None, ()
    inputs, state, seq_lens = names
    observed = Observed(scope, node, batch="", flat=True)
    result = Forward(node, observed)
    states = _read_initial_state(scope)
    if not states:
        return result, ()
    for name in sorted(names_bound(node) & {inputs, state}):
        scope.problem(node, f"rebinds {name} in forward_rnn")
    _read_locals(scope, node)
    _read_uses(scope, node, state, seq_lens, states)
    read_states_in_place(scope, node, state)
    read_inputs(scope, node, inputs)
    if not goes_step_by_step(scope):  # read again for a list of states, with its padding cut
        scope.problem(node, ACROSS_STEPS)
    _read_returns(scope, result, states)
    read_stores(scope, result, {})
    return result, states


def read_sequences(scope: Scope) -> Forward | None:
    """Mark the returns of a forward_rnn that keeps its list of states."""
    node = scope.methods["forward_rnn"]
    names = [p.arg for p in parameters(node)]
    if len(names) != 3 or node.args.vararg or node.args.kwarg:
        scope.problem(node, "has a forward_rnn with other parameters")
        return None
    _read_locals(scope, node)
    result = Forward(node, Observed(scope, node, batch="", flat=True))
    read_states_in_place(scope, node, names[1])
    read_inputs(scope, node, names[0])
    read_sequence_returns(scope, result, names[1])
    read_stores(scope, result, {})
    return result


def _read_locals(scope: Scope, node: ast.FunctionDef) -> None:
    taken = {"batch", "outs"}
    for name in sorted(taken & {p.arg for p in parameters(node)}):
        scope.problem(node, f"uses the name {name} in forward_rnn")
    read_locals(scope, node, taken)


def may_be_stateless(kin: Kin) -> bool:
    """Say whether the class or an heir may have no states: none defined, or an empty list."""
    for line in ((kin.own, *kin.bases), *((heir, *bases) for heir, bases in kin.heirs)):
        owner = owner_in("get_initial_state", line)
        if owner is None:
            return True
        for node in nodes_in(owner.methods["get_initial_state"]):
            literal = node.value if isinstance(node, ast.Return) else None
            if isinstance(literal, ast.List) and not literal.elts:
                return True
    return False


def read_initial_states(scope: Scope) -> None:
    """Mark what get_initial_state returns, a list whose length nobody needs to know."""
    node = scope.methods.get("get_initial_state")
    if node is None or is_abstract(node):
        return
    for each in nodes_in(node):
        if isinstance(each, ast.Call) and ast.unparse(each) == "super().get_initial_state()":
            scope.mark("super_states", each)
        if not isinstance(each, ast.Return) or each.value is None:
            continue
        call = each.value
        if not (isinstance(call, ast.Call) and dotted(call.func) == "name_states"):
            scope.mark("named_states", call)


def _names(scope: Scope, count: int) -> tuple[str, ...]:
    """Names of the states, as wrap_model gives them."""
    cells = {"LSTM", "LSTMCell"}
    lstm = any(isinstance(n, ast.Attribute) and n.attr in cells for n in nodes_in(scope.node))
    if lstm and count == 2:
        return ("h", "c")
    return tuple(f"state_{i}" for i in range(count))


def _read_initial_state(scope: Scope) -> tuple[str, ...]:
    node = scope.methods.get("get_initial_state")
    if node is None:
        scope.problem(scope.node, "has no get_initial_state of its own")
        return ()
    returns = [n for n in nodes_in(node) if isinstance(n, ast.Return)]
    literal = returns[0].value if len(returns) == 1 else None
    if isinstance(literal, ast.Name):
        bound = [
            n.value
            for n in nodes_in(node)
            if isinstance(n, ast.Assign)
            and len(n.targets) == 1
            and isinstance(n.targets[0], ast.Name)
            and n.targets[0].id == literal.id
        ]
        uses = [n for n in nodes_in(node) if isinstance(n, ast.Name) and n.id == literal.id]
        literal = bound[0] if len(bound) == 1 and len(uses) == 2 else None
    if not isinstance(literal, ast.List) or not literal.elts:
        scope.problem(node, "builds its initial state in a way that is not understood")
        return ()
    if any(isinstance(e, ast.Starred) for e in literal.elts):
        scope.problem(node, "builds its initial state in a way that is not understood")
        return ()
    names = _names(scope, len(literal.elts))
    scope.mark("state_list", literal, names=names)
    return names


def _read_uses(
    scope: Scope, function: ast.FunctionDef, state: str, seq_lens: str, states: tuple[str, ...]
) -> None:
    for node in nodes_in(function):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        if node.id == seq_lens:
            scope.problem(node, "reads seq_lens")
        if node.id != state:
            continue
        parent = scope.parent(node)
        index = parent.slice.value if _constant_index(parent) else None  # type: ignore[attr-defined]
        if isinstance(index, int) and -len(states) <= index < len(states):
            scope.mark("state_item", parent, states[index])
        elif isinstance(parent, ast.Assign) and _unpacks(parent, len(states)):
            scope.mark("state_all", node, state)
        else:
            scope.problem(node, "uses its list of states as a whole")


def _constant_index(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.slice, ast.Constant)
    )


def _unpacks(node: ast.Assign, count: int) -> bool:
    target = node.targets[0]
    plain = isinstance(target, ast.Tuple | ast.List) and len(target.elts) == count
    return plain and len(node.targets) == 1


def _read_returns(scope: Scope, result: Forward, states: tuple[str, ...]) -> None:
    for node in nodes_in(result.node):
        if not isinstance(node, ast.Return):
            continue
        pair = returned_pair(scope, node)
        if pair is None:
            continue
        after = pair.elts[1]
        if not isinstance(after, ast.List) or len(after.elts) != len(states):
            scope.problem(node, "returns states that are not one list")
            continue
        scope.mark("state_list", after, names=states)
        scope.mark("return_states", pair)
        result.returns.append(node)
    if not any(isinstance(n, ast.Return) for n in nodes_in(result.node)):
        scope.problem(result.node, "never returns")


__all__ = [
    "is_recurrent",
    "may_be_stateless",
    "read_initial_states",
    "read_recurrent",
    "read_sequences",
]
