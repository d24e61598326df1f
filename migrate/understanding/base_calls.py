"""Calls of base constructors: most go, one becomes super().setup().

is_module_call    whether such a call is torch's
is_base_call      the call in `Base.__init__(self, ...)` and `super().__init__(...)`
read_base_calls   mark them, with what a base of the repository must be told by its model config
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.kin import Relative, is_abstract
from rlmigrate.migrate.understanding.net_base import read_net_call
from rlmigrate.migrate.understanding.roles import Constructor, assign_roles
from rlmigrate.migrate.understanding.scope import Scope, names_in, self_attribute
from rlmigrate.migrate.understanding.vocabulary import ROLES


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
    if dotted(func.value) not in bases or _mixin(scope, func.value) is not None:
        return None
    return node.value


def _mixin(scope: Scope, base: ast.expr) -> Relative | None:
    return relative_behind(scope, base, scope.kin.mixins if scope.kin is not None else ())


def relative_behind(scope: Scope, base: ast.expr, among: tuple[Relative, ...]) -> Relative | None:
    """The relative that a base, as written, stands for."""
    plain = base.value if isinstance(base, ast.Subscript) else base
    name = (scope.qualified(plain) or dotted(plain) or "").rpartition(".")[2]
    return next((each for each in among if each.node.name == name), None)


def read_base_calls(scope: Scope, init: ast.FunctionDef, result: Constructor) -> None:
    """Mark base calls: `drop`, or `super_setup` where the base is a model of the repository."""
    setups = 0
    for node in nodes_in(init):
        call = is_base_call(scope, node) if isinstance(node, ast.stmt) else None
        if call is None or any(isinstance(a, ast.ClassDef) for a in _inner(scope, node)):
            continue
        if scope.parent(node) is not init:
            scope.problem(node, "calls its base constructor under a condition")
            continue
        base = _called_base(scope, call)
        scope.handle(node)
        if base is None:
            if scope.net_base and not is_module_call(scope, call):
                scope.handled -= {id(child) for child in nodes_in(node)}
                read_net_call(scope, call, result)
                continue
            of_q = scope.q_model and not is_module_call(scope, call)
            scope.mark("super_setup", node, told=()) if of_q else scope.mark("drop", node)
            _check_arguments(scope, call, result)
            continue
        setups += 1
        told = _told(scope, call, result, base)
        scope.mark("super_setup", node, told=told)
    if scope.kin and scope.kin.bases and setups != 1:
        scope.problem(init, "does not call the constructor of its base exactly once")


def is_module_call(scope: Scope, call: ast.Call) -> bool:
    """Say whether a base call is torch's, `nn.Module.__init__(self)`."""
    assert isinstance(call.func, ast.Attribute)
    return (scope.qualified(call.func.value) or "").endswith("nn.Module")


def _inner(scope: Scope, node: ast.AST) -> list[ast.AST]:
    return [a for a in scope.ancestors(node) if a is not scope.node]


def _called_base(scope: Scope, call: ast.Call) -> Relative | None:
    """The model of the repository whose constructor is called; None for RLlib's and torch's."""
    assert isinstance(call.func, ast.Attribute)
    if scope.kin is None:
        return None
    owner = call.func.value
    if not isinstance(owner, ast.Call):
        return relative_behind(scope, owner, scope.kin.bases)
    if owner.args and dotted(owner.args[0]) != scope.node.name:
        scope.problem(call, "skips a base in super()")
    for base in scope.node.bases:
        mixin = _mixin(scope, base)
        if mixin is not None and "__init__" in mixin.methods:
            scope.problem(call, f"shares super().__init__() with {mixin.node.name}")
        found = relative_behind(scope, base, scope.kin.bases)
        if found is not None:
            return found
    return None


def _check_arguments(scope: Scope, call: ast.Call, result: Constructor) -> None:
    assert isinstance(call.func, ast.Attribute)
    explicit = not isinstance(call.func.value, ast.Call)
    owner = dotted(call.func.value) if explicit else None
    if owner and (scope.file.imports.resolve(owner) or "").endswith("nn.Module"):
        return
    positional = call.args[1:] if explicit else call.args
    given = dict(zip(ROLES, positional, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    more = {name: value for name, value in given.items() if name not in ROLES}
    if scope.sac:  # which knows its settings by the model config
        more = {n: v for n, v in more.items() if not (isinstance(v, ast.Name) and v.id == n)}
        more |= {ast.unparse(a): a for a in positional[len(ROLES) :]}
    if scope.q_model and more:
        told = "SAC's nets" if scope.sac else "DQN's heads"
        scope.problem(call, f"tells {told} what they are")
    for role, value in given.items():
        if role not in ROLES or _is_role(value, role, result):
            continue
        if role == "num_outputs":
            result.other_head = call
        elif role == "model_config" and _is_left_empty(scope, value):
            scope.handle(value)
        else:
            scope.problem(call, f"gives its base another {role} than it was given")


def _is_left_empty(scope: Scope, config: ast.expr) -> bool:
    """Say whether a base gets an empty config that nothing asks for: RLlib's defaults count."""
    empty = isinstance(config, ast.Dict) and not config.keys
    reads = any(self_attribute(node) == "model_config" for node in nodes_in(scope.node))
    return empty and not (reads or scope.kin or scope.raw or scope.net_base or scope.q_model)


def _is_role(value: ast.expr, role: str, result: Constructor) -> bool:
    named = (
        isinstance(value, ast.Name)
        and result.roles.get(value.id) == role
        and not result.is_rebound_at(value)
    )
    return named or role == "name" or isinstance(value, ast.Starred)


def _told(
    scope: Scope, call: ast.Call, result: Constructor, base: Relative
) -> tuple[tuple[str, ast.expr | str], ...]:
    """What the base's own parameters get otherwise than from the model config."""
    owner = next(
        (r for r in (base, *scope.line[1:]) if "__init__" in r.methods),
        None,
    )
    if owner is None:
        return ()
    theirs = Constructor()
    init = owner.methods["__init__"]
    assign_roles(init, theirs)
    given, forwards = _given(scope, call, init, result)
    if forwards and _adds_to(scope, result.keywords or ""):
        scope.problem(call, f"gives {base.node.name} more than it was given, in {result.keywords}")
    for role in ROLES:
        value = given.pop(_name_of(role, theirs), None) or given.pop(role, None)
        if value is not None and not _is_role(value, role, result):
            scope.problem(call, f"gives {base.node.name} another {role} than it was given")
    told: list[tuple[str, ast.expr | str]] = []
    mine = {p.name: p.default for p in result.own}
    for parameter in theirs.own:
        value = given.pop(parameter.name, None)
        if value is not None:
            same = isinstance(value, ast.Name) and value.id == parameter.name
            if not same or mine.get(parameter.name, "?") != parameter.default:
                told.append((parameter.name, value))
                _check_value(scope, value, result)
            continue
        swallowed = (result.keywords and not forwards) or parameter.name in mine
        swallowed = swallowed or (not forwards and _mentions(scope, parameter.name))
        if swallowed and parameter.default is None:
            scope.problem(call, f"leaves {parameter.name} of {base.node.name} out")
        elif swallowed:
            told.append((parameter.name, parameter.default or ""))
    if given and theirs.keywords is None and not init.args.vararg:
        scope.problem(call, f"gives {base.node.name} arguments that it does not name")
    elif given:
        told += list(given.items())
        for value in given.values():
            _check_value(scope, value, result)
    return tuple(told)


def _adds_to(scope: Scope, keywords: str) -> bool:
    """Say whether the constructor lays something into its **kwargs, or binds them anew."""
    for node in nodes_in(scope.methods["__init__"]):
        stored = isinstance(getattr(node, "ctx", None), ast.Store)
        target = node.value if isinstance(node, ast.Subscript) else node
        if stored and isinstance(target, ast.Name) and target.id == keywords:
            return True
        called = node.func if isinstance(node, ast.Call) else None
        adds = isinstance(called, ast.Attribute) and called.attr in {"update", "setdefault"}
        if adds and isinstance(called, ast.Attribute) and dotted(called.value) == keywords:
            return True
    return False


def _mentions(scope: Scope, key: str) -> bool:
    """Say whether the class reads a key of this name by itself."""
    return any(isinstance(n, ast.Constant) and n.value == key for n in nodes_in(scope.node))


def _name_of(role: str, theirs: Constructor) -> str:
    return next((name for name, found in theirs.roles.items() if found == role), role)


def _given(
    scope: Scope, call: ast.Call, init: ast.FunctionDef, result: Constructor
) -> tuple[dict[str, ast.expr], bool]:
    """Arguments by the base's names for them, and whether **kwargs are handed on."""
    assert isinstance(call.func, ast.Attribute)
    explicit = not isinstance(call.func.value, ast.Call)
    values = call.args[1:] if explicit else list(call.args)
    starred = [v for v in values if isinstance(v, ast.Starred)]
    plain = [v for v in values if not isinstance(v, ast.Starred)]
    names = [p.arg for p in [*init.args.posonlyargs, *init.args.args][1:]]
    names = names if not init.args.vararg else [*names, *ROLES[len(names) :]]
    given: dict[str, ast.expr] = dict(zip(names, plain, strict=False))
    if len(plain) > len(names) or (starred and plain):
        scope.problem(call, "gives its base arguments that are not understood")
    forwards = False
    for keyword in call.keywords:
        if keyword.arg is not None:
            given[keyword.arg] = keyword.value
        elif isinstance(keyword.value, ast.Name) and keyword.value.id == result.keywords:
            forwards = True
        else:
            scope.problem(call, "gives its base a dict of arguments")
    return given, forwards


def _check_value(scope: Scope, value: ast.expr, result: Constructor) -> None:
    """A value for the base may read what setup() has at that place, no parameter of RLlib's."""
    used = names_in(value)
    for name in sorted(used & (set(result.roles) | {result.keywords or ""})):
        scope.problem(value, f"computes an argument of its base from {name}")
    for name in sorted(used & {p.name for p in result.own}):
        scope.mark("own_computes", value, name)


def keywords_of_heirs(scope: Scope, own: tuple[str, ...]) -> str | None:
    """What a base of the repository gets as **kwargs: "all" of the config, "none" or it depends.

    A class without heirs gets all; one that is only inherited from gets what its heirs hand on.
    """
    heirs = scope.kin.heirs if scope.kin else ()
    ways = set()
    for heir, bases in heirs:
        init = heir.methods.get("__init__")
        if init is None or scope.kin is None:
            continue
        nearest = next((b for b in bases if "__init__" in b.methods), None)
        if nearest is None or nearest.qualified != scope.kin.own.qualified:
            continue
        found = Constructor()
        assign_roles(init, found)
        calls = [
            call
            for call in nodes_in(init)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "__init__"
        ]
        handed = any(k.arg is None for call in calls for k in call.keywords)
        ways.add("all" if handed and not found.own else "some" if handed else "none")
    if not ways:
        return "all"
    if ways == {"none"}:
        abstract = any(is_abstract(m) for m in scope.methods.values())
        return "none" if abstract else None
    return "all" if ways == {"all"} else None


__all__ = [
    "Constructor",
    "assign_roles",
    "is_base_call",
    "is_module_call",
    "keywords_of_heirs",
    "read_base_calls",
    "relative_behind",
]
