"""A class that inherits from one of RLlib's own nets.

NET_BASE        what stands for the net among the nets that a class holds
net_name        the net of RLlib that an expression stands for
is_full_config  whether a config that a net is given lacks no key of RLlib's
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
from rlmigrate.migrate.understanding.facts import Mark
from rlmigrate.migrate.understanding.roles import Constructor
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.vocabulary import NETS, ROLES

NET_BASE = "super()"

#: What RLlib's nets have and their plain counterparts lack, most of it only between calls.
MISSING: Mapping[str, frozenset[str]] = {
    "FullyConnectedNetwork": frozenset({"_features", "_last_flat_in", "vf_share_layers"}),
    "VisionNetwork": frozenset({"_features", "last_layer_is_flattened", "_hidden_layers"}),
}
#: The same for TensorFlow, and the parts that a subclass would replace in vain.
TF_MISSING = frozenset({"_value_out", "base_model", "data_format", "last_layer_is_flattened"})
TF_MISSING |= {"log_std_var"}


def net_name(scope: Scope, func: ast.expr) -> str | None:
    """The name of RLlib's network, for the framework of the class, that an expression is."""
    found = scope.rllib(func) or ""
    module, _, name = found.rpartition(".")
    home = ".tf." if scope.framework == "tf" else ".torch"
    return name if name in NETS and home in f"{module}." else None


def net_base(scope: Scope) -> str | None:
    """The net of RLlib that a class inherits from, and from no other model."""
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
    if "action_space" in given and not _is_role(given["action_space"], "action_space", constructor):
        scope.problem(call, f"gives {net} another action_space than it was given")
    sizes = [role for role in ("obs_space", "num_outputs", "model_config") if role in given]
    if all(_is_role(given[role], role, constructor) for role in sizes):
        scope.mark("super_setup", statement, told=())
        scope.handle(statement)
        return
    whole = len(given) == len(ROLES)
    if not whole or any(isinstance(v, ast.Starred) for v in given.values()):
        scope.problem(call, f"gives {net} arguments that are not understood")
        return
    places = [_place(given[role]) for role in ("obs_space", "num_outputs", "model_config")]
    if places != sorted(places):
        scope.problem(call, f"gives {net} its arguments in another order")
    config = given["model_config"]
    own_config = None if _is_role(config, "model_config", constructor) else config
    if own_config is not None:
        if _reads_config(scope):
            scope.problem(call, f"gives {net} a model config of its own, and reads it afterwards")
        if not is_full_config(scope, own_config, constructor):
            scope.mark("bare_config", own_config)
    other = not _is_role(given["obs_space"], "obs_space", constructor)
    scope.mark("net_build", call, given=given, other_space=other, own_config=own_config)
    for role in ("action_space", "name", *([] if own_config else ["model_config"])):
        if role in given:
            scope.handle(given[role])


def is_full_config(scope: Scope, config: ast.expr, result: Constructor) -> bool:
    """Say whether a config is surely RLlib's own, changed at most, so that it lacks no key."""
    source: ast.expr = config
    if isinstance(config, ast.Name):
        bound = [
            n.value
            for n in nodes_in(scope.node)
            if isinstance(n, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == config.id for t in n.targets)
        ]
        if len(bound) != 1:
            return False
        source = bound[0]
    if isinstance(source, ast.Dict):
        return any(
            key is None and _is_config(value, result)
            for key, value in zip(source.keys, source.values, strict=True)
        )
    if not isinstance(source, ast.Call):
        return False
    func = source.func
    if isinstance(func, ast.Attribute) and func.attr == "copy" and not source.args:
        return _is_config(func.value, result)
    called = (dotted(func) or "").rpartition(".")[2]
    copies = called in {"copy", "deepcopy", "dict", "merge_dicts"}
    return copies and bool(source.args) and _is_config(source.args[0], result)


def _is_config(node: ast.expr, result: Constructor) -> bool:
    named = isinstance(node, ast.Name) and result.roles.get(node.id) == "model_config"
    return named or self_attribute(node) == "model_config"


def _reads_config(scope: Scope) -> bool:
    return any(
        self_attribute(node) == "model_config" and isinstance(getattr(node, "ctx", None), ast.Load)
        for node in nodes_in(scope.node)
    )


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
    missing = TF_MISSING if scope.framework == "tf" else MISSING[net]
    whole = next((mark.detail for mark in scope.marks if mark.kind == "config_whole"), "")
    if whole:
        scope.marks = [
            Mark(mark.kind, mark.node, mark.detail, {**mark.data, "config": whole})
            if mark.kind in {"super_setup", "net_build"}
            else mark
            for mark in scope.marks
        ]
    by_space = obs not in {"flat", "unread"} and not scope.plain
    for mark in scope.marks:
        if by_space and mark.kind == "net_build" and mark.data["other_space"]:
            scope.problem(mark.node, f"tells {net} another obs_space than forward reads by")
    built = sum(mark.kind in {"super_setup", "net_build"} for mark in scope.marks)
    if init is not None and built != 1:
        scope.problem(init, f"does not call the constructor of {net} exactly once")
    for node in nodes_in(scope.node):
        name = self_attribute(node)
        if name in missing and id(node) not in scope.handled:
            scope.problem(node, f"uses self.{name} of {net}")
        elif isinstance(node, ast.FunctionDef) and node.name in missing:
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
