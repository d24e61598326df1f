"""What forward reads, calls and returns.

Forward        observations read, nets called, attributes set
read_forward   mark what `_forward` must say otherwise
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.columns import Views
from rlmigrate.migrate.understanding.flow import assigned_at_returns
from rlmigrate.migrate.understanding.observed import Observed
from rlmigrate.migrate.understanding.scope import (
    Scope,
    attributes_set,
    names_bound,
    names_in,
    parameters,
    self_attribute,
)
from rlmigrate.migrate.understanding.steps import check_states_in_place
from rlmigrate.migrate.understanding.super_calls import read_super_calls

#: Reads of a tensor that need no cast.
CASTS = frozenset(
    {"float", "long", "int", "bool", "double", "half", "type", "to", "shape", "size", "device"}
    | {"dtype", "dim", "ndim", "type_as"}
)


@dataclass
class Forward:
    """What forward does, as far as values and other methods are concerned."""

    node: ast.FunctionDef
    observed: Observed
    stored: dict[str, str] = field(default_factory=dict)  # attribute to local name
    given: dict[str, ast.expr] = field(default_factory=dict)  # net to its input
    returns: list[ast.Return] = field(default_factory=list)


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
    if len(names) < 3 or node.args.vararg or node.args.kwarg:
        scope.problem(node, "has a forward with other parameters")
        return None
    batch, state, seq_lens = names[:3]
    taken = names_bound(node)
    if taken & {"batch", "kwargs"}:
        scope.problem(node, "uses the name batch or kwargs in forward")
    observed = Observed(scope, node, batch, views or Views())
    observed.find_replacement()
    result = Forward(node, observed)
    result.returns += read_super_calls(scope, node)
    _read_net_calls(scope, result, nets, (batch, state, seq_lens))
    observed.read()
    if sequential:
        check_states_in_place(scope, node, state)
        read_sequence_returns(scope, result, state)
    else:
        _read_returns(scope, result, nets, state)
        _read_state(scope, result, state, seq_lens)
    read_stores(scope, result, nets)
    return result


def _read_net_calls(
    scope: Scope, result: Forward, nets: Mapping[str, str], names: tuple[str, str, str]
) -> None:
    for node in nodes_in(result.node):
        attribute = self_attribute(node)
        if attribute is None or attribute not in nets or not isinstance(node, ast.Attribute):
            continue
        func: ast.AST = node
        outer = scope.parent(node)
        direct = isinstance(outer, ast.Attribute) and outer.attr == "forward"
        if direct:
            func = outer
        call = scope.parent(func)
        if not isinstance(call, ast.Call) or call.func is not func:
            continue
        if attribute in result.given:
            scope.problem(call, f"calls self.{attribute} more than once")
            continue
        first = call.args[0] if call.args else None
        given = net_input(first, nets[attribute]) if isinstance(first, ast.Dict) else None
        whole = isinstance(first, ast.Name) and first.id == names[0]
        if given is None and not whole:
            scope.problem(call, f"calls self.{attribute} with something else than a dict of obs")
            continue
        rest = [*call.args[1:], *(k.value for k in call.keywords)]
        if not all(_idle(each, names) for each in rest):
            scope.problem(call, f"hands a state to self.{attribute}")
            continue
        for each in rest:
            scope.handle(each)
        if direct and whole:
            _read_direct_call(scope, result, call, node, nets[attribute])
            result.given[attribute] = call.args[0]
            _read_net_result(scope, result, call, attribute)
            continue
        if direct:
            scope.mark("net_direct", func)
        if whole and isinstance(first, ast.Name):
            scope.handled.add(id(first))
            late = observed_after = result.observed.is_after(call)
            scope.mark("net_batch", call, result.observed.replacement if late else "")
            result.given[attribute] = first
            if observed_after:
                result.observed.after.append(first)
            result.observed.whole = True
        elif given is not None:
            scope.mark("net_input", call, given=given)
            result.given[attribute] = given
        _read_net_result(scope, result, call, attribute)


def _read_direct_call(
    scope: Scope, result: Forward, call: ast.Call, node: ast.Attribute, net: str
) -> None:
    """`self.net.forward(input_dict, ...)`: the net reads its own key of the whole input."""
    scope.handled.add(id(call.args[0]))
    if net == "VisionNetwork":
        result.observed.whole = True
        scope.mark("net_batch", call)
    else:
        result.observed.flat = True
        scope.mark("net_flat", call)
    scope.mark("net_direct", call.func)
    if result.observed.replaced is not None:
        scope.problem(node, "replaces its input and calls a net directly")


def net_input(literal: ast.Dict, net: str) -> ast.expr | None:
    """The entry of a dict that a net of RLlib reads."""
    entries = {
        k.value: v
        for k, v in zip(literal.keys, literal.values, strict=True)
        if isinstance(k, ast.Constant)
    }
    wanted = ("obs", "obs_flat") if net == "VisionNetwork" else ("obs_flat", "obs")
    return next((entries[key] for key in wanted if key in entries), None)


def _idle(node: ast.expr, names: tuple[str, str, str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names[1:]
    empty = isinstance(node, ast.List) and not node.elts
    return empty or (isinstance(node, ast.Constant) and node.value is None)


def _read_net_result(scope: Scope, result: Forward, call: ast.Call, attribute: str) -> None:
    """A net returned (output, state); the plain one returns the output."""
    parent = scope.parent(call)
    if isinstance(parent, ast.Return):
        scope.mark("return_net", parent)
        result.returns.append(parent)
        return
    read_net_output(scope, call, attribute, result.node)


def read_net_output(
    scope: Scope, call: ast.Call, attribute: str, function: ast.FunctionDef
) -> None:
    """Mark what becomes of the output that stood beside a state."""
    parent = scope.parent(call)
    if isinstance(parent, ast.Subscript) and _is_zero(parent.slice):
        scope.mark("first_of_two", parent)
        return
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        target = parent.targets[0]
        if isinstance(target, ast.Tuple) and len(target.elts) == 2:
            second = target.elts[1]
            if isinstance(second, ast.Name) and _only_returned(scope, function, second):
                scope.mark("first_target", target)
                scope.handle(second)
                return
    scope.problem(call, f"keeps what self.{attribute} returns beside its output")


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0


def _only_returned(scope: Scope, function: ast.FunctionDef, name: ast.Name) -> bool:
    """Say whether a name is nowhere read but as the state that forward returns."""
    for node in nodes_in(function):
        if isinstance(node, ast.Name) and node.id == name.id and isinstance(node.ctx, ast.Load):
            holder = scope.parent(node)
            returned = isinstance(holder, ast.Tuple) and isinstance(
                scope.parent(holder), ast.Return
            )
            passed = isinstance(holder, ast.Call) and node in holder.args[1:]
            if not returned and not passed:
                return False
    return True


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
        named = isinstance(second, ast.Name) and (
            second.id == state or _from_net(scope, result, second.id)
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
    if not result.returns:
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


def _read_state(scope: Scope, result: Forward, state: str, seq_lens: str) -> None:
    for node in nodes_in(result.node):
        if not isinstance(node, ast.Name) or id(node) in scope.handled:
            continue
        if node.id == state and isinstance(node.ctx, ast.Load):
            scope.problem(node, "reads its recurrent state")
        elif node.id == seq_lens and isinstance(node.ctx, ast.Load):
            scope.problem(node, "reads seq_lens")


def stored_locals(function: ast.FunctionDef, file: FileEntry) -> dict[str, str]:
    """Attributes that a function sets, with a local name for each that is free in it."""
    taken = names_in(function) | {"batch", "kwargs", "outs", "embeddings"}
    found: dict[str, str] = {}
    for node in nodes_in(function):
        attribute = self_attribute(node)
        if attribute is None or isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        if attribute in found:
            continue
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
    result.stored = stored_locals(result.node, scope.file)
    first_load: dict[str, int] = {}
    for node in nodes_in(result.node):
        attribute = self_attribute(node)
        if attribute is None or not isinstance(node, ast.Attribute):
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
    assigned = assigned_at_returns(result.node, attributes_set)
    stores = {
        a: min(
            n.lineno * 1000 + n.col_offset
            for n in nodes_in(result.node)
            if isinstance(n, ast.Attribute)
            and self_attribute(n) == a
            and isinstance(n.ctx, ast.Store)
        )
        for a in result.stored
    }
    for attribute in result.stored:
        if first_load.get(attribute, 10**9) < stores[attribute]:
            scope.problem(result.node, f"reads self.{attribute} from the call before")
        elif attribute in first_load and attribute not in assigned:
            scope.problem(result.node, f"sets self.{attribute} only under a condition")


__all__ = [
    "CASTS",
    "Forward",
    "net_input",
    "read_forward",
    "read_net_output",
    "read_stores",
    "stored_locals",
]
