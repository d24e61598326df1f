"""A class that inherits from one of RLlib's own nets.

NET_BASE        what stands for the net among the nets that a class holds
net_name        the net of RLlib that an expression stands for
net_base        the net that a class inherits from
said            a net as its class writes it
is_net_super    `super()` of such a class
read_net_call   mark the call of its constructor
read_net_parts  what the class does with parts that the plain net lacks
finds_own_values  whether the net is asked for values of other inputs than its own
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.roles import Constructor
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.vocabulary import NETS, ROLES

NET_BASE = "super()"

#: What RLlib's nets have and their plain counterparts lack, most of it only between calls.
MISSING: Mapping[str, frozenset[str]] = {
    "FullyConnectedNetwork": frozenset({"_features", "_last_flat_in", "vf_share_layers"}),
    "VisionNetwork": frozenset({"_features", "last_layer_is_flattened", "_hidden_layers"}),
}


def net_name(scope: Scope, func: ast.expr) -> str | None:
    """The name of RLlib's torch network that an expression stands for."""
    found = scope.rllib(func) or ""
    module, _, name = found.rpartition(".")
    return name if name in NETS and ".torch" in module else None


def net_base(scope: Scope) -> str | None:
    """The torch net of RLlib that a class inherits from, and from no other model."""
    found = [name for base in scope.node.bases if (name := net_name(scope, base))]
    others = {scope.qualified(b) or dotted(b) for b in scope.node.bases if not net_name(scope, b)}
    if len(found) != 1 or scope.kin or not others <= {"torch.nn.Module", "object"}:
        return None
    return found[0]


def said(attribute: str) -> str:
    """A net as its class writes it.

    >>> said("net"), said(NET_BASE)
    ('self.net', 'super()')
    """
    return attribute if attribute == NET_BASE else f"self.{attribute}"


def is_net_super(node: ast.AST) -> bool:
    """Say whether a node is `super()` or `super(Class, self)`."""
    return isinstance(node, ast.Call) and dotted(node.func) == "super"


def read_net_call(scope: Scope, call: ast.Call, constructor: Constructor) -> None:
    """Mark a base call as super().setup(), or as build_net() where it gives other things on."""
    net, statement = scope.net_base, scope.parent(call)
    assert isinstance(call.func, ast.Attribute)
    explicit = not isinstance(call.func.value, ast.Call)
    positional = call.args[1:] if explicit else call.args
    given = dict(zip(ROLES, positional, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    if set(given) - set(ROLES) or len(positional) > len(ROLES):
        scope.problem(call, f"gives {net} arguments that are not understood")
    for role in ("model_config", "action_space"):
        if role in given and not _is_role(given[role], role, constructor):
            scope.problem(call, f"gives {net} another {role} than it was given")
    sizes = [role for role in ("obs_space", "num_outputs") if role in given]
    if all(_is_role(given[role], role, constructor) for role in sizes):
        scope.mark("super_setup", statement, told=())
        scope.handle(statement)
        return
    whole = len(given) == len(ROLES)
    if not whole or any(isinstance(v, ast.Starred) for v in given.values()):
        scope.problem(call, f"gives {net} arguments that are not understood")
    elif _place(given["obs_space"]) > _place(given["num_outputs"]):
        scope.problem(call, f"gives {net} its arguments in another order")
    other = not _is_role(given["obs_space"], "obs_space", constructor)
    scope.mark("net_build", call, given=given, other_space=other)
    for role in ("action_space", "model_config", "name"):
        if role in given:
            scope.handle(given[role])


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _is_role(value: ast.expr, role: str, constructor: Constructor) -> bool:
    if isinstance(value, ast.Starred) or role == "name":
        return True
    named = isinstance(value, ast.Name) and constructor.roles.get(value.id) == role
    return named and not constructor.is_rebound_at(value)


def read_net_parts(scope: Scope, *, obs: str) -> None:
    """Refuse what the plain net does not have, and constructors that do not build it once.

    The old stack takes observations apart by the space that the net is told: flat ones alone are
    the same whatever it is told.
    """
    init, net = scope.methods.get("__init__"), scope.net_base
    by_space = obs not in {"flat", "unread"} and not scope.plain
    for mark in scope.marks:
        if by_space and mark.kind == "net_build" and mark.data["other_space"]:
            scope.problem(mark.node, f"tells {net} another obs_space than forward reads by")
    built = sum(mark.kind in {"super_setup", "net_build"} for mark in scope.marks)
    if init is not None and built != 1:
        scope.problem(init, f"does not call the constructor of {net} exactly once")
    for node in nodes_in(scope.node):
        name = self_attribute(node)
        if name in MISSING[net] and id(node) not in scope.handled:
            scope.problem(node, f"uses self.{name} of {net}")
        elif isinstance(node, ast.FunctionDef) and node.name in MISSING[net]:
            scope.problem(node, f"overrides {node.name}() of {net}")


def finds_own_values(scope: Scope, forward: object) -> bool:
    """Say whether the net that a class inherits from must be asked for values of other inputs."""
    if not scope.net_base or forward is None or "value_function" in scope.methods:
        return False
    whole = {"net_flat", "net_batch"}
    return not any(
        mark.kind in whole and not mark.detail and is_net_super(mark.node.func.value)
        for mark in scope.marks
        if isinstance(mark.node, ast.Call) and isinstance(mark.node.func, ast.Attribute)
    )
