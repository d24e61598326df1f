"""What a policy builds: its model, its distribution, and what its constructor sets.

Building      the model class, what it is given, and the distribution class
read_building understand make_model() or make_model_and_action_dist()
SetupWords    statements of these methods and of the constructor, for setup()
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.words import POLICY_MEMBERS, Words
from rlmigrate.migrate.understanding.scope import body_without_docstring, self_attribute

CATALOG = "ModelCatalog"
#: The parameters of a model class, in order.
MODEL_ROLES = ("obs_space", "action_space", "num_outputs", "model_config", "name")
#: What ModelCatalog.get_model_v2 takes besides those.
CATALOG_ARGUMENTS = frozenset({*MODEL_ROLES, "framework", "default_model", "model_interface"})
SPACES = {
    "observation_space": "obs_space",
    "obs_space": "obs_space",
    "action_space": "action_space",
}


@dataclass(frozen=True)
class Building:
    """`model` is written as in the file, None for the catalog's own; `head` is its size.

    `settings` are keys and values for model_config; `kept` are statements that set attributes.
    """

    model: ast.expr | None = None
    head: ast.expr | None = None
    settings: tuple[tuple[str, str], ...] = ()
    distribution: ast.expr | None = None
    kept: tuple[ast.stmt, ...] = ()
    node: ast.AST | None = None


class SetupWords(Words):
    """Statements of the constructor and of make_model(), as setup() says them."""

    def on_role(self, node: ast.Name, role: str) -> str | None:
        """Parameters that the constructor hands on."""
        if role == "obs_space":
            return "self.observation_space"
        if role == "action_space":
            return "self.action_space"
        return super().on_role(node, role)

    def on_Expr(self, node: ast.Expr) -> str | None:
        """The base constructor is called by Ray."""
        return "" if is_base_call(node) else None

    def on_Assign(self, node: ast.Assign) -> str | None:
        """Attributes that every module has, and those that only policies have, are not set."""
        targets = [_root(target) for target in node.targets]
        if all(name in SPACES for name in targets) and isinstance(node.value, ast.Name):
            return ""
        if all(name in {"view_requirements", "config", "framework"} for name in targets):
            return ""
        idle = {"device", "model", "dist_class", "exploration"} - self.owner.used
        if all(name in idle for name in targets):
            return ""
        for name in targets:
            if name in POLICY_MEMBERS or name in {"model", "device", "dist_class"}:
                raise NotMovable(node, f"sets self.{name} of the old policy")
        return None


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Subscript):
        node = node.value
    return self_attribute(node)


def is_base_call(node: ast.stmt) -> bool:
    """Tell `super().__init__(...)` and `Base.__init__(self, ...)`, and nothing else."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    func = node.value.func
    if not isinstance(func, ast.Attribute):
        return False
    if func.attr in {"_initialize_loss_from_dummy_batch", "maybe_initialize_optimizer_and_loss"}:
        return isinstance(func.value, ast.Name) and func.value.id == "self"
    if func.attr != "__init__":
        return False
    if isinstance(func.value, ast.Call):
        return dotted(func.value.func) == "super"
    first = node.value.args[0] if node.value.args else None
    return isinstance(first, ast.Name) and first.id == "self"


def init_roles(method: ast.FunctionDef) -> dict[str, str]:
    """Parameters of a policy's constructor: spaces, config, and the rest."""
    named = [a.arg for a in (*method.args.posonlyargs, *method.args.args)][1:]
    roles: dict[str, str] = {}
    roles.update(zip(named, ("obs_space", "action_space", "config"), strict=False))
    for name in (*named[3:], *(a.arg for a in method.args.kwonlyargs)):
        roles[name] = f"unknown {name}"
    for rest in (method.args.vararg, method.args.kwarg):
        if rest is not None:
            roles[rest.arg] = "rest"
    return roles


@dataclass
class _Reader:
    words: Words
    locals: dict[str, ast.expr] = field(default_factory=dict)
    catalog: dict[str, str] = field(default_factory=dict)  # local to "distribution" or "head"
    kept: list[ast.stmt] = field(default_factory=list)

    def value(self, node: ast.expr) -> ast.expr:
        while isinstance(node, ast.Name) and node.id in self.locals:
            node = self.locals[node.id]
        return node


def read_building(words: Words, method: ast.FunctionDef) -> Building:
    """Understand a method that makes the model; raises NotMovable where it does more."""
    reader = _Reader(words)
    body = body_without_docstring(method)
    for node in body[:-1]:
        _statement(reader, node)
    last = body[-1]
    if not isinstance(last, ast.Return) or last.value is None:
        raise NotMovable(last, f"does not end {method.name}() with its return")
    value, distribution = last.value, None
    if method.name == "make_model_and_action_dist":
        if not isinstance(value, ast.Tuple) or len(value.elts) != 2:
            raise NotMovable(last, "does not return its model and distribution one by one")
        value, distribution = value.elts
        if reader.catalog.get(getattr(distribution, "id", "")) == "distribution":
            distribution = None
        else:
            distribution = reader.value(distribution)
    call = reader.value(value)
    if not isinstance(call, ast.Call):
        raise NotMovable(last, "returns a model that it did not build there")
    return _model(reader, call, distribution)


def _statement(reader: _Reader, node: ast.stmt) -> None:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        raise NotMovable(node, "does more than build its model in make_model()")
    target = node.targets[0]
    called = (dotted(node.value.func) or "") if isinstance(node.value, ast.Call) else ""
    if called.endswith(f"{CATALOG}.get_action_dist") and isinstance(target, ast.Tuple):
        for element, meaning in zip(target.elts, ("distribution", "head"), strict=False):
            if isinstance(element, ast.Name):
                reader.catalog[element.id] = meaning
            elif self_attribute(element) not in {"dist_class", "logit_dim"}:
                raise NotMovable(node, "keeps what the catalog gave in another place")
    elif isinstance(target, ast.Name) and target.id not in reader.locals:
        reader.locals[target.id] = node.value
    elif self_attribute(target) and not isinstance(node.value, ast.Call):
        reader.kept.append(node)
    else:
        raise NotMovable(node, "does more than build its model in make_model()")


def _model(reader: _Reader, call: ast.Call, distribution: ast.expr | None) -> Building:
    given = dict(zip(MODEL_ROLES, call.args, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    if any(k.arg is None for k in call.keywords) or len(call.args) > len(MODEL_ROLES):
        raise NotMovable(call, "builds its model with arguments that are not understood")
    model: ast.expr | None = call.func
    if (dotted(call.func) or "").endswith(f"{CATALOG}.get_model_v2"):
        asked = [given.pop(k) for k in ("default_model", "model_interface") if k in given]
        given.pop("framework", None)
        if set(given) - CATALOG_ARGUMENTS or len(asked) > 1:
            raise NotMovable(call, "builds its model with arguments that are not understood")
        model = asked[0] if asked else None
    _check_space(reader, given, "obs_space", "observation_space")
    _check_space(reader, given, "action_space", "action_space")
    given.pop("name", None)
    head = given.pop("num_outputs", None)
    if head is not None:
        head = reader.value(head)
        if (
            reader.catalog.get(getattr(head, "id", "")) == "head"
            or self_attribute(head) == "logit_dim"
        ):
            head = None
    settings = _settings(reader, given.pop("model_config", None))
    for name, value in given.items():
        settings.append((name, reader.words.text(reader.value(value))))
    return Building(model, head, tuple(settings), distribution, tuple(reader.kept), call)


def _check_space(reader: _Reader, given: dict[str, ast.expr], role: str, attribute: str) -> None:
    node = given.pop(role, None)
    if node is None:
        return
    node = reader.value(node)
    if self_attribute(node) != attribute and reader.words.role(node) != role:
        raise NotMovable(node, f"gives its model another {role} than its own")


def _settings(reader: _Reader, node: ast.expr | None) -> list[tuple[str, str]]:
    """Keys that make_model() sets in the model config of its own accord."""
    if node is None:
        return []
    node = reader.value(node)
    configured = isinstance(node, ast.Subscript) and self_attribute(node.value) == "config"
    if configured and isinstance(node, ast.Subscript) and reader.words.key(node.slice) == "model":
        return []
    if isinstance(node, ast.Dict):
        found: list[tuple[str, str]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                found += _settings(reader, value)
                continue
            name = reader.words.key(key)
            if name is None or name == "custom_model":
                raise NotMovable(node, "gives its model a config with computed keys")
            if name == "custom_model_config":
                found += _settings(reader, value)
            else:
                found.append((name, reader.words.text(value)))
        return found
    raise NotMovable(node, "gives its model a config of another place")
