"""What the rest of the class and of the repository say about a model.

read_surroundings   bases, hooks, names of RLlib, children, uses from outside
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.known import ray_kind
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.understanding.constructor import is_base_call, net_name
from rlmigrate.migrate.understanding.facts import Stash
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.vocabulary import HARMLESS, HOOKS, LAYERS, OWN_NAMES

PLAIN_BASES = frozenset({"torch.nn.Module", "torch.nn.modules.Module", "abc.ABC", "object"})
ROOTS = frozenset({"TorchModelV2", "ModelV2"})


def read_surroundings(
    scope: Scope,
    index: RepoIndex,
    qualified: str,
    stashes: Iterable[Stash],
    *,
    recurrent: bool = False,
) -> set[str]:
    """Note what speaks against a native class; returns the layers of RLlib that it uses."""
    _read_bases(scope, recurrent=recurrent)
    _read_members(scope, stashes, recurrent=recurrent)
    _read_repository(scope, index, qualified, stashes)
    return _read_names(scope)


def _read_bases(scope: Scope, *, recurrent: bool) -> None:
    roots = ROOTS | {"RecurrentNetwork"} if recurrent else ROOTS
    for base in scope.node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        found = scope.qualified(plain) or dotted(plain) or ""
        root = ray_kind(found) == "model" and found.rpartition(".")[2] in roots
        if root or found in PLAIN_BASES or found in {"typing.Generic", "Generic"}:
            continue
        scope.problem(base, f"inherits from {ast.unparse(base)}")
    if scope.node.keywords:
        scope.problem(scope.node, "is built by a metaclass of its own")


def _read_members(scope: Scope, stashes: Iterable[Stash], *, recurrent: bool) -> None:
    served = {"forward_rnn", "get_initial_state"} if recurrent else set()
    forwards = {"forward", "forward_rnn", "value_function"}
    for node in scope.node.body:
        if isinstance(node, ast.FunctionDef):
            if node.name in HOOKS and node.name not in served:
                scope.problem(node, HOOKS[node.name])
            elif node.name in OWN_NAMES:
                scope.problem(node, f"has a method {node.name}, which RLModule keeps for itself")
            elif node.name in {"__getattr__", "__setattr__", "__getattribute__", "__new__"}:
                scope.problem(node, f"overrides {node.name}")
            for decorator in node.decorator_list:
                if node.name in {*forwards, *served, "__init__"}:
                    _read_decorator(scope, decorator)
                elif isinstance(decorator, ast.Call) and any(
                    ray_kind(scope.qualified(a) or "") == "model" for a in decorator.args
                ):
                    scope.problem(node, f"overrides {node.name} of the old model")
        elif isinstance(node, ast.ClassDef | ast.AsyncFunctionDef | ast.If | ast.Try | ast.For):
            scope.problem(node, "has a body that is not only methods")
    kept = {s.attribute for s in stashes}
    for name, method in scope.methods.items():
        for inner in ast.walk(method):
            if isinstance(inner, ast.ClassDef):
                scope.problem(inner, f"defines a class inside {name}")
            attribute = self_attribute(inner)
            if attribute is None:
                continue
            stored = isinstance(getattr(inner, "ctx", None), ast.Store)
            if attribute in OWN_NAMES and stored and not _dropped(scope, scope.parent(inner)):
                scope.problem(inner, f"sets self.{attribute}, which RLModule keeps for itself")
            if attribute in kept and name not in forwards:
                _read_kept_elsewhere(scope, inner, name, attribute)


def _read_decorator(scope: Scope, decorator: ast.expr) -> None:
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = (dotted(func) or "").rpartition(".")[2]
    if name not in {"override", "PublicAPI", "DeveloperAPI", "OverrideToImplementCustomLogic"}:
        scope.problem(decorator, f"decorates a method with {ast.unparse(decorator)}")


def _dropped(scope: Scope, node: ast.AST) -> bool:
    return any(mark.kind == "drop" and mark.node is node for mark in scope.marks)


def _read_kept_elsewhere(scope: Scope, node: ast.AST, method: str, attribute: str) -> None:
    holder = scope.parent(node)
    empty = (
        isinstance(holder, ast.Assign)
        and len(holder.targets) == 1
        and isinstance(holder.value, ast.Constant)
        and holder.value.value is None
    )
    if isinstance(holder, ast.AnnAssign):
        value = holder.value
        empty = value is None or (isinstance(value, ast.Constant) and value.value is None)
    if method == "__init__" and empty:
        scope.mark("drop", holder)
    else:
        scope.problem(node, f"uses self.{attribute}, which forward sets, in {method}")


def _read_repository(
    scope: Scope, index: RepoIndex, qualified: str, stashes: Iterable[Stash]
) -> None:
    for stash in stashes:
        if stash.attribute in index.outside:
            scope.problem(scope.node, f"keeps self.{stash.attribute}, which other code reads")
    if qualified in index.parents:
        children = ", ".join(sorted(index.parents[qualified]))
        scope.problem(scope.node, f"is the base of {children}")
    if qualified in index.constructed:
        scope.problem(scope.node, "is also built directly, without the catalog")
    if qualified in index.wrapped_models:
        scope.problem(scope.node, "is put into RLlib's LSTM or attention wrapper by its config")
    if qualified in index.custom_dist_models:
        scope.problem(scope.node, "is trained with a custom action distribution")


def _read_names(scope: Scope) -> set[str]:
    layers = set()
    skipped = _skipped(scope)
    for node in ast.walk(scope.node):
        if id(node) in skipped or not isinstance(node, ast.Name | ast.Attribute):
            continue
        if isinstance(scope.parent(node), ast.Attribute):
            continue
        found = scope.rllib(node)
        if found is None:
            continue
        name = found.rpartition(".")[2]
        if name in LAYERS and ".torch" in found:
            layers.add(name)
            scope.mark("layer", node, name)
        elif net_name(scope, node) or found.startswith(HARMLESS):
            continue
        elif not _is_batch_name(scope, node) and id(node) not in scope.handled:
            scope.problem(node, f"uses {name} of RLlib")
    return layers


def _is_batch_name(scope: Scope, node: ast.AST) -> bool:
    """SampleBatch.OBS in a subscript, which goes with the subscript."""
    return isinstance(node, ast.Attribute) and isinstance(scope.parent(node), ast.Subscript)


def _skipped(scope: Scope) -> set[int]:
    """Nodes that do not stay: bases, base calls, decorators, annotations of replaced methods."""
    found: set[int] = set()

    def skip(node: ast.AST | None) -> None:
        if node is not None:
            found.update(id(child) for child in ast.walk(node))

    for base in scope.node.bases:
        skip(base)
    for decorator in scope.node.decorator_list:
        skip(decorator)
    for method in scope.methods.values():
        for decorator in method.decorator_list:
            skip(decorator)
        if method.name in {"__init__", "forward", "forward_rnn", "value_function"}:
            skip(method.args)
            skip(method.returns)
        if method.name == "get_initial_state":
            skip(method.returns)
        for statement in ast.walk(method):
            if isinstance(statement, ast.stmt) and is_base_call(scope, statement) is not None:
                skip(statement)
    return found
