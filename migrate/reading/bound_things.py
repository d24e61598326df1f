"""Names that stand for algorithms, policies and workers.

bound_thing     what a name is, from everything that binds it
held_thing      what an attribute of `self` is, from everything that its class gives it
returned_thing  what a function of the file returns
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.configs.consumers import algorithm_of
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.rules.base import FileContext

Function = ast.FunctionDef | ast.AsyncFunctionDef
#: Methods that hand the first argument of a function a thing, by the thing that has the method.
HANDS = {
    (Thing.WORKERS, "foreach_worker"): Thing.WORKER,
    (Thing.WORKERS, "foreach_env_runner"): Thing.WORKER,
    (Thing.WORKERS, "foreach_policy"): Thing.POLICY,
    (Thing.WORKERS, "foreach_policy_to_train"): Thing.POLICY,
    (Thing.WORKER, "foreach_policy"): Thing.POLICY,
    (Thing.WORKER, "foreach_policy_to_train"): Thing.POLICY,
}
#: Arguments of callbacks, which RLlib gives by name.
CALLBACK_ARGUMENTS = frozenset({"algorithm", "trainer"})


def bound_thing(context: FileContext, node: ast.Name, depth: int) -> Thing:
    """Say what a name is: one thing, whichever binding it has, but for None."""
    nodes = nodes_of(context)
    scope: ast.AST = nodes.scope(node)
    while True:
        bound = [] if isinstance(scope, ast.ClassDef) else nodes.bindings(node.id, scope)
        if bound:
            return _one(_bound(context, item, depth) for item in bound if not _is_none(item))
        if scope is nodes.tree:
            return Thing.OTHER
        scope = nodes.scope(scope)


def held_thing(context: FileContext, node: ast.Attribute, depth: int) -> Thing:
    """Say what `self.x` is, where the class itself gives `x` its value."""
    if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
        return Thing.OTHER
    nodes = nodes_of(context)
    holder = next((up for up in nodes.up(node) if isinstance(up, ast.ClassDef)), None)
    if holder is None:
        return Thing.OTHER
    found = []
    for stored in nodes.attributes(node.attr):
        if isinstance(stored.ctx, ast.Load) or holder not in nodes.up(stored):
            continue
        if not (isinstance(stored.value, ast.Name) and stored.value.id == "self"):
            continue
        statement = nodes.parents[stored]
        if not _is_none(statement):
            found.append(_bound(context, statement, depth))
    return _one(found)


def returned_thing(context: FileContext, function: ast.Name, depth: int) -> Thing:
    """Say what a function of the file returns: the same thing by every `return`."""
    nodes = nodes_of(context)
    bound = nodes.bindings(function.id, nodes.tree)
    if len(bound) != 1 or not isinstance(bound[0], ast.FunctionDef):
        return Thing.OTHER
    returns = [r for r in nodes.of(ast.Return) if nodes.scope(r) is bound[0]]
    values = [r.value for r in returns if r.value is not None]
    if any(isinstance(n, ast.Yield) and nodes.scope(n) is bound[0] for n in nodes.of(ast.Yield)):
        return Thing.OTHER
    return _one(algorithm_like(context, value, depth) for value in values)


def _one(found: Iterable[Thing]) -> Thing:
    kinds = set(found)
    return kinds.pop() if len(kinds) == 1 else Thing.OTHER


def _is_none(node: ast.AST) -> bool:
    """`name = None`, or a bare annotation without a value that says nothing."""
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    return isinstance(node.value, ast.Constant) and node.value.value is None


def _bound(context: FileContext, node: ast.AST, depth: int) -> Thing:
    if isinstance(node, ast.AnnAssign):
        said = _annotated(context, node.annotation)
        if said is not Thing.OTHER or node.value is None:
            return said
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if all(isinstance(target, ast.Name | ast.Attribute) for target in targets):
            return algorithm_like(context, node.value, depth)
    if isinstance(node, ast.arg):
        said = Thing.OTHER if node.annotation is None else _annotated(context, node.annotation)
        return said or _argument(context, nodes_of(context), node, depth)
    return Thing.OTHER


def _annotated(context: FileContext, annotation: ast.expr) -> Thing:
    imports = context.index.files[context.source.path].imports
    written = annotation.value if isinstance(annotation, ast.Constant) else None
    qualified = (
        imports.resolve(written) if isinstance(written, str) else imports.qualified(annotation)
    ) or ""
    if context.index.legacy_kind(qualified) == "trainer" or algorithm_of(qualified):
        return Thing.ALGORITHM
    if not qualified.startswith("ray.rllib."):
        return Thing.OTHER
    if qualified.endswith((".Algorithm", ".Trainer")):
        return Thing.ALGORITHM
    if qualified.startswith("ray.rllib.policy") and qualified.endswith("Policy"):
        return Thing.POLICY
    return Thing.OTHER


def _argument(context: FileContext, nodes: Nodes, node: ast.arg, depth: int) -> Thing:
    """An argument without an annotation: what its method is, or what every call gives it."""
    function = nodes.scope(node)
    if isinstance(function, ast.Lambda):
        call = nodes.parents.get(function)
        first = function.args.args[:1] == [node]
        return _handed(context, call, function, depth) if first else Thing.OTHER
    if not isinstance(function, Function):
        return Thing.OTHER
    owner = nodes.parents.get(function)
    if isinstance(owner, ast.ClassDef):
        return _of_method(context, owner, function, node)
    return _one(_given(context, nodes, function, node, depth))


def _of_method(context: FileContext, owner: ast.ClassDef, method: Function, node: ast.arg) -> Thing:
    entry = context.index.files[context.source.path]
    kind = context.index.legacy_kind(f"{entry.module}.{owner.name}")
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in method.decorator_list)
    if kind == "trainer" and not static and method.args.args[:1] == [node] and node.arg == "self":
        return Thing.ALGORITHM
    if kind == "callback" and method.name.startswith("on_") and node.arg in CALLBACK_ARGUMENTS:
        return Thing.ALGORITHM
    return Thing.OTHER


def _given(
    context: FileContext, nodes: Nodes, function: Function, node: ast.arg, depth: int
) -> Iterator[Thing]:
    """What the uses of a function give one of its arguments; any other use says nothing."""
    args = [*function.args.posonlyargs, *function.args.args]
    at = args.index(node) if node in args else None
    for use in nodes.of(ast.Name):
        if use.id != function.name or not isinstance(use.ctx, ast.Load):
            continue
        call = nodes.parents.get(use)
        if not isinstance(call, ast.Call):
            yield Thing.OTHER
        elif call.func is not use:
            yield _handed(context, call, use, depth) if at == 0 else Thing.OTHER
        else:
            named = [k.value for k in call.keywords if k.arg == node.arg]
            plain = not any(isinstance(item, ast.Starred) for item in call.args)
            if at is not None and at < len(call.args) and plain:
                named = [call.args[at]]
            yield algorithm_like(context, named[0], depth) if named else Thing.OTHER


def _handed(context: FileContext, call: ast.AST | None, given: ast.expr, depth: int) -> Thing:
    """What a method gives to the function that it is called with."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return Thing.OTHER
    if not any(name == call.func.attr for _, name in HANDS):
        return Thing.OTHER
    named = [k.value for k in call.keywords if k.arg in ("func", "fn")]
    if given not in (call.args[:1] or named):
        return Thing.OTHER
    owner = algorithm_like(context, call.func.value, depth)
    return HANDS.get((owner, call.func.attr), Thing.OTHER)
