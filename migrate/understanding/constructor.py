"""What the constructor of a model takes and does.

Constructor        roles of its parameters, parameters of its own, nets it builds
read_constructor   mark what setup() must say otherwise
find_subnets       the attributes that hold networks of RLlib
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.understanding.configs import Configs
from rlmigrate.migrate.understanding.facts import Parameter
from rlmigrate.migrate.understanding.scope import (
    Scope,
    body_without_docstring,
    names_in,
    parameters,
    self_attribute,
)
from rlmigrate.migrate.understanding.vocabulary import MODEL_DEFAULTS, NET_KEYS, NETS, ROLES


@dataclass
class Constructor:
    """Parameters of a constructor by role; `own` are those fed from custom_model_config."""

    roles: dict[str, str] = field(default_factory=dict)
    own: list[Parameter] = field(default_factory=list)
    rebound: set[str] = field(default_factory=set)
    keywords: str | None = None
    reads_head: bool = False


def find_subnets(scope: Scope) -> dict[str, tuple[str, ast.Call]]:
    """Attributes that hold a network of RLlib: name to (net, the call that builds it)."""
    found: dict[str, tuple[str, ast.Call]] = {}
    for node in ast.walk(scope.node):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        net = net_name(scope, node.value.func)
        attribute = self_attribute(node.targets[0])
        if net and attribute and len(node.targets) == 1:
            if attribute in found:
                scope.problem(node, f"builds self.{attribute} in two places")
            found[attribute] = (net, node.value)
    return found


def net_name(scope: Scope, func: ast.expr) -> str | None:
    """The name of RLlib's torch network that an expression stands for."""
    found = scope.rllib(func) or ""
    module, _, name = found.rpartition(".")
    return name if name in NETS and ".torch" in module else None


def read_constructor(scope: Scope, configs: Configs, *, obs: str) -> Constructor:
    """Mark every place of `__init__` that setup() must say otherwise."""
    init = scope.methods.get("__init__")
    result = Constructor()
    if init is None:
        return result
    _assign_roles(init, result)
    _drop_base_calls(scope, init, result)
    _read_nets(scope, configs, result)
    stored = {
        n.id for n in ast.walk(init) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    by_name = dict(result.roles)
    result.rebound = stored & (set(by_name) | {p.name for p in result.own})
    for name in sorted(result.rebound & set(by_name)):
        if by_name[name] not in {"num_outputs", "action_space"}:
            scope.problem(init, f"rebinds its parameter {name}")
    own = {p.name for p in result.own}
    for p in result.own:
        if p.name in MODEL_DEFAULTS:
            scope.problem(init, f"takes a parameter {p.name} that RLlib's model config has too")
    for node in ast.walk(init):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        if id(node) in scope.handled:
            continue
        role = by_name.get(node.id)
        if role is not None:
            _read_role(scope, configs, result, node, role, obs)
        elif node.id in own and node.id not in result.rebound:
            scope.mark("own", node, node.id)
        elif node.id == result.keywords:
            _read_keywords(scope, configs, node)
        elif init.args.vararg and node.id == init.args.vararg.arg:
            scope.problem(node, f"uses *{node.id} beyond the base constructor")
    return result


def _assign_roles(init: ast.FunctionDef, result: Constructor) -> None:
    named = parameters(init)
    positional = [*init.args.posonlyargs, *init.args.args][1:]
    defaults = dict(
        zip([p.arg for p in positional[::-1]], init.args.defaults[::-1], strict=False)
    ) | {
        p.arg: d
        for p, d in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        if d is not None
    }
    for i, parameter in enumerate(named):
        name = parameter.arg
        if name in ROLES:
            result.roles[name] = name
        elif i < len(ROLES) and parameter in positional and ROLES[i] not in _names(named):
            result.roles[name] = ROLES[i]
        else:
            default = defaults.get(name)
            text = ast.unparse(default) if default is not None else None
            result.own.append(Parameter(name, text))
    result.keywords = init.args.kwarg.arg if init.args.kwarg else None


def _names(arguments: list[ast.arg]) -> set[str]:
    return {a.arg for a in arguments}


def is_base_call(scope: Scope, node: ast.stmt) -> ast.Call | None:
    """The call in `Base.__init__(self, ...)` or `super().__init__(...)`; None otherwise."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return None
    func = node.value.func
    if not isinstance(func, ast.Attribute) or func.attr != "__init__":
        return None
    if isinstance(func.value, ast.Call) and dotted(func.value.func) == "super":
        return node.value
    bases = {
        dotted(base.value if isinstance(base, ast.Subscript) else base) for base in scope.node.bases
    }
    return node.value if dotted(func.value) in bases else None


def _drop_base_calls(scope: Scope, init: ast.FunctionDef, result: Constructor) -> None:
    for node in ast.walk(init):
        call = is_base_call(scope, node) if isinstance(node, ast.stmt) else None
        if call is None or any(isinstance(a, ast.ClassDef) for a in _inner(scope, node)):
            continue
        if scope.parent(node) is not init:
            scope.problem(node, "calls its base constructor under a condition")
            continue
        scope.mark("drop", node)
        scope.handle(node)
        _check_base_arguments(scope, call, result)


def _inner(scope: Scope, node: ast.AST) -> list[ast.AST]:
    return [a for a in scope.ancestors(node) if a is not scope.node]


def _check_base_arguments(scope: Scope, call: ast.Call, result: Constructor) -> None:
    assert isinstance(call.func, ast.Attribute)
    explicit = not isinstance(call.func.value, ast.Call)
    owner = dotted(call.func.value) if explicit else None
    if owner and (scope.file.imports.resolve(owner) or "").endswith("nn.Module"):
        return
    positional = call.args[1:] if explicit else call.args
    given = dict(zip(ROLES, positional, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    for role, value in given.items():
        expected = isinstance(value, ast.Name) and result.roles.get(value.id) == role
        if role in ROLES and role != "name" and not expected and not isinstance(value, ast.Starred):
            scope.problem(call, f"gives its base another {role} than it was given")


def _read_nets(scope: Scope, configs: Configs, result: Constructor) -> None:
    for node in ast.walk(scope.node):
        if not isinstance(node, ast.Call) or net_name(scope, node.func) is None:
            continue
        net = net_name(scope, node.func) or ""
        assign = scope.parent(node)
        if not isinstance(assign, ast.Assign) or self_attribute(assign.targets[0]) is None:
            scope.problem(node, f"builds a {net} that is not an attribute of its own")
            continue
        given = dict(zip(ROLES, node.args, strict=False))
        given |= {k.arg: k.value for k in node.keywords if k.arg}
        if set(given) - set(ROLES) or len(node.args) > len(ROLES) or "model_config" not in given:
            scope.problem(node, f"builds a {net} with arguments that are not understood")
            continue
        config = given["model_config"]
        whole = isinstance(config, ast.Name) and result.roles.get(config.id) == "model_config"
        if not whole and self_attribute(config) != "model_config":
            scope.problem(config, f"gives its {net} a model config of its own")
            continue
        configs.default_keys.update(NET_KEYS[net])
        scope.mark("config", config)
        for role in ("action_space", "name"):
            if role in given:
                scope.handle(given[role])
        scope.handle(config)
        scope.mark("net", node, net)


def _read_role(
    scope: Scope, configs: Configs, result: Constructor, node: ast.Name, role: str, obs: str
) -> None:
    parent = scope.parent(node)
    if role == "model_config":
        if _assigned_to(parent, "model_config"):
            scope.mark("drop", parent)
        else:
            configs.read(node)
    elif role == "obs_space":
        if _assigned_to(parent, "observation_space") or _assigned_to(parent, "obs_space"):
            scope.mark("drop", parent)
        else:
            read_obs_space(scope, node, obs)
    elif role == "action_space":
        if _assigned_to(parent, "action_space"):
            scope.mark("drop", parent)
        elif node.id not in result.rebound:
            scope.mark("action_space", node)
    elif role == "num_outputs":
        if _assigned_to(parent, "num_outputs"):
            scope.mark("drop", parent)
        else:
            result.reads_head = True
            scope.mark("head", node)
    elif _assigned_to(parent, "name"):
        scope.mark("drop", parent)
    else:
        scope.problem(node, "reads the name of the model")


def _assigned_to(parent: ast.AST, attribute: str) -> bool:
    return (
        isinstance(parent, ast.Assign)
        and len(parent.targets) == 1
        and self_attribute(parent.targets[0]) == attribute
    )


def read_obs_space(scope: Scope, node: ast.expr, obs: str) -> None:
    """Judge one place where the preprocessed observation space stands."""
    parent = scope.parent(node)
    if isinstance(parent, ast.Attribute) and parent.attr == "original_space":
        scope.mark("obs_space", parent)
        return
    if isinstance(parent, ast.Call) and dotted(parent.func) == "getattr" and parent.args[0] is node:
        wanted = parent.args[1]
        if isinstance(wanted, ast.Constant) and wanted.value == "original_space":
            scope.mark("obs_space", parent)
            scope.handle(parent)
            return
    whole = _preprocessed_size(scope, node)
    if whole is not None:
        if not any(mark.node is whole for mark in scope.marks):
            scope.mark("flat_size", whole)
        scope.handle(whole)
        return
    if obs == "whole" or (obs == "unread" and scope.plain):
        scope.mark("obs_space", node)
        return
    if isinstance(parent, ast.Subscript) and obs in {"keyed", "mixed"}:
        scope.mark("obs_space", node)  # a Dict space that no preprocessor touched
        return
    sized = _flat_size(scope, node) if obs in {"flat", "keyed", "mixed"} else None
    if sized is not None:
        scope.mark("flat_size", sized)
    else:
        scope.mark("preprocessed_space", node)


def _preprocessed_size(scope: Scope, node: ast.expr) -> ast.expr | None:
    """`get_preprocessor(space)(space).size` or `.shape[0]`, where `node` is one of the spaces."""
    call = scope.parent(node)
    if isinstance(call, ast.Call) and isinstance(scope.parent(call), ast.Call):
        call = scope.parent(call)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Call):
        return None
    if not (scope.rllib(call.func.func) or "").endswith(".get_preprocessor"):
        return None
    size = scope.parent(call)
    asked = isinstance(size, ast.Attribute) and size.attr == "size"
    return size if asked and isinstance(size, ast.expr) else None


def _flat_size(scope: Scope, node: ast.expr) -> ast.expr | None:
    """The expression around `space.shape` that computes how many numbers the space has."""
    shape = scope.parent(node)
    if not isinstance(shape, ast.Attribute) or shape.attr != "shape":
        return None
    outer = scope.parent(shape)
    if isinstance(outer, ast.Subscript) and isinstance(outer.slice, ast.Constant):
        return outer if outer.slice.value in (0, -1) else None
    if isinstance(outer, ast.Call) and (dotted(outer.func) or "").rpartition(".")[2] in {
        "prod",
        "product",
    }:
        cast = scope.parent(outer)
        whole = isinstance(cast, ast.Call) and dotted(cast.func) == "int"
        return cast if whole and isinstance(cast, ast.expr) else outer
    return None


def _read_keywords(scope: Scope, configs: Configs, node: ast.Name) -> None:
    configs.read_custom(node)


__all__ = [
    "Constructor",
    "body_without_docstring",
    "find_subnets",
    "is_base_call",
    "names_in",
    "net_name",
    "read_constructor",
    "read_obs_space",
]
