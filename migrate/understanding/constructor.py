"""What the constructor of a model takes and does.

Constructor        roles of its parameters, parameters of its own, nets it builds
read_constructor   mark what setup() must say otherwise
find_subnets       the attributes that hold networks of RLlib
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.base_calls import (
    Constructor,
    assign_roles,
    keywords_of_heirs,
    read_base_calls,
)
from rlmigrate.migrate.understanding.configs import Configs
from rlmigrate.migrate.understanding.fillings import read_fillings
from rlmigrate.migrate.understanding.net_base import is_full_config, net_name
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.vocabulary import NET_KEYS, ROLES


def find_subnets(scope: Scope) -> dict[str, tuple[str, ast.Call]]:
    """Attributes that hold a network of RLlib: name to (net, the call that builds it)."""
    found: dict[str, tuple[str, ast.Call]] = {}
    for node in nodes_in(scope.node):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        net = net_name(scope, node.value.func)
        attribute = self_attribute(node.targets[0])
        if net and attribute and len(node.targets) == 1:
            if attribute in found:
                scope.problem(node, f"builds self.{attribute} in two places")
            found[attribute] = (net, node.value)
    return found


def read_constructor(scope: Scope, configs: Configs, *, obs: str) -> Constructor:
    """Mark every place of `__init__` that setup() must say otherwise."""
    init = scope.methods.get("__init__")
    result = Constructor()
    if init is None:
        return result
    assign_roles(init, result)
    by_name = dict(result.roles)
    read_fillings(scope, init, by_name)
    first_stores = _first_stores(scope, init)
    result.rebound = set(first_stores) & (set(by_name) | {p.name for p in result.own})
    result.stores = {name: first_stores[name] for name in result.rebound & set(by_name)}
    read_base_calls(scope, init, result)
    whole = _config_as_a_whole(scope, configs, init, result)
    _read_nets(scope, configs, result, whole)
    for name in sorted(result.rebound & set(by_name)):
        plain = result.stores[name] in init.body
        allowed = by_name[name] in {"num_outputs", "action_space"} or name == whole
        if not allowed and not (plain and by_name[name] in {"obs_space", "name"}):
            scope.problem(init, f"rebinds its parameter {name}")
    own = {p.name for p in result.own}
    for node in nodes_in(init):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        if id(node) in scope.handled or node.id == whole:
            continue
        role = by_name.get(node.id)
        if role in {"obs_space", "name"} and result.is_rebound_at(node):
            continue
        if role is not None:
            _read_role(scope, configs, result, node, role, obs)
        elif node.id in own and node.id not in result.rebound:
            scope.mark("own", node, node.id)
        elif node.id == result.keywords:
            _read_keywords(scope, configs, result, node)
        elif init.args.vararg and node.id == init.args.vararg.arg:
            scope.problem(node, f"uses *{node.id} beyond the base constructor")
    return result


def _first_stores(scope: Scope, init: ast.FunctionDef) -> dict[str, ast.stmt]:
    """The first statement that binds each name, the innermost; what goes is left out."""
    found: dict[str, ast.stmt] = {}
    for statement in nodes_in(init):
        if not isinstance(statement, ast.stmt) or statement is init:
            continue
        if id(statement) in scope.handled:
            continue
        nested = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef, ast.ClassDef)
        inside = ast.iter_child_nodes(statement) if isinstance(statement, nested) else [statement]
        for part in inside:
            if isinstance(part, ast.stmt) and part is not statement:
                continue
            for node in nodes_in(part):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    known = found.get(node.id)
                    if known is None or statement.lineno < known.lineno:
                        found[node.id] = statement
    return found


def _config_as_a_whole(
    scope: Scope, configs: Configs, init: ast.FunctionDef, result: Constructor
) -> str:
    """The parameter that holds the model config, where more is done with it than asking for keys.

    setup() then begins by making that dict again, and the lines that use it stay as they are.
    """
    name = next((n for n, role in result.roles.items() if role == "model_config"), "")
    uses = [
        n
        for n in nodes_in(init)
        if isinstance(n, ast.Name) and n.id == name and id(n) not in scope.handled
    ]
    for node in uses:
        stored = not isinstance(node.ctx, ast.Load)
        parent = scope.parent(node)
        if stored or not (_builds_net(scope, parent) or configs.asks_for_a_key(node)):
            if not stored and _assigned_to(parent, "model_config"):
                continue
            for each in uses:
                if _assigned_to(scope.parent(each), "model_config"):
                    scope.mark("drop", scope.parent(each))
            if _read_after_change(scope, uses):
                scope.problem(node, "changes its model config, and reads it as self.model_config")
            configs.default_keys.add("vf_share_layers")
            scope.mark("config_whole", init, name)
            return name
    return ""


CHANGING = frozenset({"update", "pop", "setdefault", "clear", "popitem"})


def _read_after_change(scope: Scope, uses: list[ast.Name]) -> bool:
    """Say whether the very dict that a model was given is changed, and read as an attribute."""
    changed = any(
        (isinstance(parent, ast.Subscript) and not isinstance(parent.ctx, ast.Load))
        or (isinstance(parent, ast.Attribute) and parent.attr in CHANGING)
        for parent in map(scope.parent, uses)
    )
    copied = any(not isinstance(use.ctx, ast.Load) for use in uses)
    return (
        changed
        and not copied
        and any(
            self_attribute(node) == "model_config"
            and isinstance(getattr(node, "ctx", None), ast.Load)
            for node in nodes_in(scope.node)
        )
    )


def _builds_net(scope: Scope, node: ast.AST) -> bool:
    call = scope.parent(node) if isinstance(node, ast.keyword) else node
    return isinstance(call, ast.Call) and net_name(scope, call.func) is not None


def _read_nets(scope: Scope, configs: Configs, result: Constructor, whole: str) -> None:
    """Mark the nets that are built; `whole` is the config that setup() makes anew, if it does."""
    for node in nodes_in(scope.node):
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
        same = isinstance(config, ast.Name) and result.roles.get(config.id) == "model_config"
        if same and isinstance(config, ast.Name) and config.id == whole:
            pass  # the dict that setup() begins with
        elif same or self_attribute(config) == "model_config":
            scope.mark("config", config)
            scope.handle(config)
        elif not is_full_config(scope, config, result):
            scope.mark("bare_config", config)
        configs.default_keys.update(NET_KEYS[net])
        for role in ("action_space", "name"):
            if role in given:
                scope.handle(given[role])
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
        read_model_name(scope, node)


def read_model_name(scope: Scope, node: ast.expr) -> None:
    """Judge one place where the name stands that RLlib gave the model."""
    names_parts = {"setattr", "add_module", "register_module", "register_buffer"}
    names_parts |= {"register_parameter", "ModuleDict", "ParameterDict", "OrderedDict", "dict"}
    for ancestor in scope.ancestors(node):
        called = dotted(ancestor.func) if isinstance(ancestor, ast.Call) else ""
        if (called or "").rpartition(".")[2] in names_parts:
            scope.problem(node, "names its parts after the name of the model")
            return
    scope.mark("model_name", node)


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
    if obs in {"whole", "raw"} or (obs == "unread" and scope.plain):
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


def _read_keywords(scope: Scope, configs: Configs, result: Constructor, node: ast.Name) -> None:
    """Judge one place where **kwargs stand: asked for a key, or taken as the dict that they are."""
    init = scope.methods["__init__"]
    if any(m.kind == "keywords_whole" for m in scope.marks):
        return
    uses = [
        n
        for n in nodes_in(init)
        if isinstance(n, ast.Name) and n.id == node.id and id(n) not in scope.handled
    ]
    if all(configs.asks_custom_key(each) for each in uses):
        configs.read_custom(node)
        return
    without = tuple(p.name for p in result.own)
    kind = keywords_of_heirs(scope, without)
    if kind is None:
        scope.problem(node, f"takes **{node.id} that only some of its heirs hand on")
    scope.mark("keywords_whole", init, node.id, without=without, empty=kind == "none")


__all__ = [
    "Constructor",
    "find_subnets",
    "read_constructor",
    "read_obs_space",
]
