"""Calls of nets of RLlib in forward, and what becomes of their output.

Forward          what forward does, as far as values and other methods are concerned
read_net_calls   mark the calls
net_input        the entry of a dict that a net reads
read_net_output  mark what becomes of the output that stood beside a state
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.net_base import NET_BASE, is_net_super, said
from rlmigrate.migrate.understanding.observed import Observed
from rlmigrate.migrate.understanding.scope import Scope, self_attribute


@dataclass
class Forward:
    """What forward does, as far as values and other methods are concerned."""

    node: ast.FunctionDef
    observed: Observed
    stored: dict[str, str] = field(default_factory=dict)  # attribute to local name
    given: dict[str, ast.expr] = field(default_factory=dict)  # net to its input
    returns: list[ast.Return] = field(default_factory=list)
    helpers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what they hand on
    renamed: Mapping[str, str] = field(default_factory=dict)  # locals that get another name
    empty_state: str = ""  # the list of states, where it is read though there are none

    def sets_here(self, node: ast.AST) -> set[str]:
        """Attributes that one expression sets by itself, or by a helper that hands them on."""
        if isinstance(node, ast.Call):
            return set(self.helpers.get(self_attribute(node.func) or "", ()))
        attribute = self_attribute(node)
        stores = isinstance(getattr(node, "ctx", None), ast.Store)
        return {attribute} if attribute and stores else set()

    def sets(self, part: ast.AST) -> set[str]:
        """Attributes that a part of forward sets."""
        return set().union(*map(self.sets_here, nodes_in(part)))


def read_net_calls(
    scope: Scope, result: Forward, nets: Mapping[str, str], names: tuple[str, str, str]
) -> None:
    """Mark calls of nets; `names` are what forward calls its input, its states and seq_lens."""
    for node in nodes_in(result.node):
        attribute = NET_BASE if is_net_super(node) else self_attribute(node)
        if attribute is None or attribute not in nets or not isinstance(node, ast.expr):
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
            scope.problem(call, f"calls {said(attribute)} more than once")
            continue
        first = handed_input(call)
        entries = entries_of(scope, first)
        given = net_input(entries, nets[attribute]) if entries else None
        whole = isinstance(first, ast.Name) and first.id == names[0]
        if given is None and not whole:
            scope.problem(call, f"calls {said(attribute)} with something else than a dict of obs")
            continue
        rest = [a for a in (*call.args, *(k.value for k in call.keywords)) if a is not first]
        if not all(_idle(each, names) for each in rest):
            scope.problem(call, f"hands a state to {said(attribute)}")
            continue
        for each in rest:
            scope.handle(each)
        if direct and whole and first is not None:
            _read_direct_call(scope, result, call, node, nets[attribute])
            result.given[attribute] = first
            _read_net_result(scope, result, call, attribute)
            continue
        if direct:
            scope.mark("net_super" if attribute == NET_BASE else "net_direct", func)
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
    scope: Scope, result: Forward, call: ast.Call, node: ast.expr, net: str
) -> None:
    """`self.net.forward(input_dict, ...)`: the net reads its own key of the whole input."""
    first = handed_input(call)
    assert first is not None
    scope.handled.add(id(first))
    observed = result.observed
    if net == "VisionNetwork":
        observed.whole = True
        late = observed.is_after(call)
        scope.mark("net_batch", call, observed.replacement if late else "")
        if late:
            observed.after.append(first)
    else:
        observed.flat = True
        scope.mark("net_flat", call)
        if observed.replaced is not None:
            scope.problem(node, "replaces its input and calls a net directly")
    scope.mark("net_super" if is_net_super(node) else "net_direct", call.func)


def handed_input(call: ast.Call) -> ast.expr | None:
    """What a net is given as its input, the first argument or the one of that name."""
    if call.args:
        return call.args[0]
    return next((k.value for k in call.keywords if k.arg == "input_dict"), None)


def entries_of(scope: Scope, given: ast.expr | None) -> dict[str, ast.expr]:
    """The entries of a dict, or of a SampleBatch made of one; empty for anything else."""
    if isinstance(given, ast.Call) and (scope.rllib(given.func) or "").endswith(".SampleBatch"):
        named = {k.arg: k.value for k in given.keywords if k.arg}
        inner = entries_of(scope, given.args[0]) if len(given.args) == 1 else {}
        if len(named) != len(given.keywords) or len(given.args) != bool(inner):
            return {}
        scope.handle(given.func)
        return inner | named
    if not isinstance(given, ast.Dict):
        return {}
    keys = [scope.key_of(key) if key is not None else None for key in given.keys]
    found = {key: value for key, value in zip(keys, given.values, strict=True) if key is not None}
    if len(found) != len(keys):
        return {}
    for key in given.keys:
        if key is not None:
            scope.handle(key)
    return found


def net_input(entries: Mapping[str, ast.expr], net: str) -> ast.expr | None:
    """The entry of a dict that a net of RLlib reads."""
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
    scope.problem(call, f"keeps what {said(attribute)} returns beside its output")


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


__all__ = [
    "Forward",
    "entries_of",
    "handed_input",
    "net_input",
    "read_net_calls",
    "read_net_output",
]
