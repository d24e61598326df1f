"""What the rest of the class and of the repository say about a model.

read_surroundings   bases, hooks, names of RLlib, children, uses from outside
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

from rlmigrate.eras import current_name
from rlmigrate.migrate.distributions.chosen import chosen_distribution
from rlmigrate.migrate.index.configured import CUSTOM_DIST, WRAPPERS, models_with, named_with
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.known import ray_kind
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.base_calls import is_base_call, relative_behind
from rlmigrate.migrate.understanding.inherited import forward_name
from rlmigrate.migrate.understanding.kin import is_abstract
from rlmigrate.migrate.understanding.mixins import read_mixin
from rlmigrate.migrate.understanding.net_base import net_name
from rlmigrate.migrate.understanding.role import DQN_BASES, Q_METHODS, SAC_BASES, SAC_METHODS
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.vocabulary import (
    HARMLESS,
    HOOKS,
    OWN_NAMES,
    SHARED,
    plain_form,
)

PLAIN_BASES = frozenset({"torch.nn.Module", "torch.nn.modules.Module", "abc.ABC", "object"})
ROOTS = frozenset({"TorchModelV2", "TFModelV2", "ModelV2"})


#: Bases that carry the heads of an algorithm, which the bridge serves where an algorithm has them.
PROTOCOLS: Mapping[str, str] = {
    "DistributionalQTFModel": "carries the heads of DQN",
    "DistributionalQModel": "carries the heads of DQN",
    "DQNTorchModel": "carries the heads of DQN",
    "SACTFModel": "carries the policy and the twin Q-nets of SAC",
    "SACTorchModel": "carries the policy and the twin Q-nets of SAC",
    "RNNSACTorchModel": "carries the nets of recurrent SAC, which the new stack lacks",
    "DDPGTorchModel": "carries the actor and critics of DDPG, which the new stack lacks",
}


def read_surroundings(
    scope: Scope,
    index: RepoIndex,
    qualified: str,
    kept: Collection[str],
    *,
    served: Collection[str] = (),
    recurrent: bool = False,
) -> set[str]:
    """Note what speaks against a native class; returns the layers of RLlib that it uses.

    `kept` are attributes that a forward of the class or its kin sets, `served` hooks that have a
    place on the new stack.
    """
    _read_bases(scope, kept, recurrent=recurrent)
    _read_members(scope, kept, served)
    _read_changes(scope, kept)
    _read_repository(scope, index, qualified, kept)
    return _read_names(scope, index)


def _read_bases(scope: Scope, kept: Collection[str], *, recurrent: bool) -> None:
    roots = ROOTS | {"RecurrentNetwork", "RecurrentTFModelV2"} if recurrent else ROOTS
    models = []
    for base in scope.node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        found = scope.qualified(plain) or dotted(plain) or ""
        root = ray_kind(found) == "model" and found.rpartition(".")[2] in roots
        if root or found in PLAIN_BASES or found in {"typing.Generic", "Generic"}:
            continue
        if scope.net_base and net_name(scope, plain):
            continue
        kin = scope.kin
        if kin is not None and relative_behind(scope, base, kin.bases) is not None:
            models.append(base)
            continue
        mixin = relative_behind(scope, base, kin.mixins) if kin is not None else None
        if mixin is not None:
            read_mixin(scope, base, mixin, kept)
        elif scope.q_model and found.rpartition(".")[2] in (SAC_BASES if scope.sac else DQN_BASES):
            continue
        elif protocol := PROTOCOLS.get(found.rpartition(".")[2]):
            scope.problem(base, protocol)
        elif ray_kind(found) == "model" or "." not in found:
            scope.problem(base, f"inherits from {ast.unparse(base)}")
        else:
            scope.problem(base, f"inherits from {ast.unparse(base)}, which is not in this tree")
    if len(models) > 1:
        both = " and ".join(ast.unparse(base) for base in models)
        scope.problem(scope.node, f"inherits from two models, {both}")
    if any(not ast.unparse(k.value).endswith("ABCMeta") for k in scope.node.keywords):
        scope.problem(scope.node, "is built by a metaclass of its own")


def _read_members(scope: Scope, kept: Collection[str], served: Collection[str]) -> None:
    forwards = {"forward", "forward_rnn", "value_function"}
    served = {*served, *scope.served}
    for node in scope.node.body:
        if isinstance(node, ast.FunctionDef):
            if node.name in HOOKS and node.name not in served:
                scope.problem(node, HOOKS[node.name])
            elif node.name in OWN_NAMES:
                scope.problem(node, f"has a method {node.name}, which RLModule keeps for itself")
            elif not _names_itself(node):
                scope.problem(node, f"has a method {node.name} whose first parameter is not self")
            elif node.name in {"__getattr__", "__setattr__", "__getattribute__", "__new__"}:
                scope.problem(node, f"overrides {node.name}")
            for decorator in node.decorator_list:
                if node.name in {
                    *forwards,
                    *served,
                    "__init__",
                    *(Q_METHODS if scope.q_model else ()),
                    *(SAC_METHODS if scope.sac else ()),
                }:
                    _read_decorator(scope, node, decorator)
                elif isinstance(decorator, ast.Call) and any(
                    ray_kind(scope.qualified(a) or "") == "model" for a in decorator.args
                ):
                    scope.problem(node, f"overrides {node.name} of the old model")
        elif isinstance(node, ast.ClassDef | ast.AsyncFunctionDef | ast.If | ast.Try | ast.For):
            scope.problem(node, "has a body that is not only methods")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id in OWN_NAMES:
                    scope.problem(node, f"sets {target.id}, which RLModule keeps for itself")
    for name, method in scope.methods.items():
        for inner in nodes_in(method):
            if isinstance(inner, ast.ClassDef):
                _read_inner_class(scope, inner, name, kept)
            attribute = self_attribute(inner)
            if attribute is None or id(inner) in scope.handled:
                continue
            stored = isinstance(getattr(inner, "ctx", None), ast.Store)
            if attribute in OWN_NAMES and stored and not _dropped(scope, scope.parent(inner)):
                scope.problem(inner, f"sets self.{attribute}, which RLModule keeps for itself")
            if name in scope.served:
                continue
            if attribute in kept and (name not in forwards or _is_helper(scope, name)):
                _read_kept_elsewhere(scope, inner, name, attribute)


def _names_itself(method: ast.FunctionDef) -> bool:
    """Say whether a method calls its object self, as all that reads it expects."""
    decorators = {(dotted(d) or "").rpartition(".")[2] for d in method.decorator_list}
    first = [*method.args.posonlyargs, *method.args.args][:1]
    free = decorators & {"staticmethod", "classmethod"} or method.name == "__init_subclass__"
    return bool(free or not first or first[0].arg == "self")


def _is_helper(scope: Scope, name: str) -> bool:
    """Say whether forward_rnn is only what the class's own forward calls."""
    line = scope.line
    return name == "forward_rnn" and forward_name(line) != "forward_rnn"


def _read_inner_class(scope: Scope, node: ast.ClassDef, method: str, kept: Collection[str]) -> None:
    """A torch module defined inside a method is code like any other, if its `self` is no trap."""
    bases = {scope.qualified(b) or dotted(b) or "" for b in node.bases}
    names = {name for n in nodes_in(node) if (name := self_attribute(n))}
    watched = {"model_config", "obs_space", "num_outputs", *kept}
    if bases != {"torch.nn.Module"} or names & watched:
        scope.problem(node, f"defines a class inside {method}")


def _read_changes(scope: Scope, kept: Collection[str]) -> None:
    """Refuse attributes that helpers of forward or of values set: state between calls."""
    line = scope.line
    methods: dict[str, ast.FunctionDef] = {}
    for each in reversed(line):
        methods |= each.methods
    start = [forward_name(line), "value_function"]
    reached: list[str] = []
    while start:
        name = start.pop()
        if name in reached or name not in methods:
            continue
        reached.append(name)
        start += [a for n in nodes_in(methods[name]) if (a := self_attribute(n)) in methods and a]
    for name in sorted(reached):
        own = scope.methods.get(name)
        if own is None or name in {"forward", "value_function", "__init__"}:
            continue
        if name == "forward_rnn" and not _is_helper(scope, name):
            continue
        for node in nodes_in(own):
            attribute = self_attribute(node)
            changes = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
            if attribute and changes and id(node) not in scope.handled:
                scope.problem(node, f"sets self.{attribute} in {name}, which forward calls")


def _read_decorator(scope: Scope, method: ast.FunctionDef, decorator: ast.expr) -> None:
    if method.name in scope.handing and isinstance(decorator, ast.Call):
        scope.mark("drop_decorator", decorator)  # it overrides nothing any more
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = (dotted(func) or "").rpartition(".")[2]
    if name == "abstractmethod" and is_abstract(method):
        return
    if name not in {"override", "PublicAPI", "DeveloperAPI", "OverrideToImplementCustomLogic"}:
        scope.problem(decorator, f"decorates a method with {ast.unparse(decorator)}")


def _dropped(scope: Scope, node: ast.AST) -> bool:
    return any(mark.kind == "drop" and mark.node is node for mark in scope.marks)


def _read_kept_elsewhere(scope: Scope, node: ast.AST, method: str, attribute: str) -> None:
    holder = scope.parent(node)
    empty = False
    if isinstance(holder, ast.Assign):
        empty = len(holder.targets) == 1 and _is_start(holder.value)
    elif isinstance(holder, ast.AnnAssign):
        empty = holder.value is None or _is_start(holder.value)
    asserted = isinstance(holder, ast.Compare) and isinstance(scope.parent(holder), ast.Assert)
    if method == "__init__" and empty:
        scope.mark("drop", holder)
    elif asserted:
        scope.mark("drop", scope.parent(holder))
    else:
        scope.problem(node, f"uses self.{attribute}, which forward sets, in {method}")


def _is_start(value: ast.expr) -> bool:
    """Say whether an attribute starts as a constant or empty, which nothing can find any more."""
    if isinstance(value, ast.List | ast.Tuple):
        return not value.elts
    return isinstance(value, ast.Constant) or (isinstance(value, ast.Dict) and not value.keys)


def _read_repository(scope: Scope, index: RepoIndex, qualified: str, kept: Collection[str]) -> None:
    for attribute in sorted(kept):
        if attribute in index.outside:
            scope.problem(scope.node, f"keeps self.{attribute}, which other code reads")
    for name in sorted(scope.handing & index.outside):
        scope.problem(scope.node, f"has {name} called from outside, which sets attributes")
    if qualified in index.constructed:
        scope.problem(scope.node, "is also built directly, without the catalog")
    ported = index.settings.target == "ray"
    around = models_with(index, *WRAPPERS)
    if ported:  # where configs that name no model set one, the report says what to do
        around = frozenset().union(*(named_with(index, setting) for setting in WRAPPERS))
    if scope.framework == "tf" and qualified in around:
        scope.problem(scope.node, "may be put into RLlib's LSTM or attention wrapper by its config")
    alone = chosen_distribution(index, qualified) is not None
    if qualified in models_with(index, CUSTOM_DIST) and not (alone and not scope.q_model):
        scope.problem(scope.node, "may be trained with a custom action distribution")


def _read_names(scope: Scope, index: RepoIndex) -> set[str]:
    layers = set()
    skipped = _skipped(scope)
    for node in nodes_in(scope.node):
        if id(node) in skipped or not isinstance(node, ast.Name | ast.Attribute):
            continue
        if isinstance(scope.parent(node), ast.Attribute):
            continue
        found = scope.rllib(node)
        if found is None:
            continue
        name = found.rpartition(".")[2]
        if plain := plain_form(found, framework=scope.framework):
            call = scope.parent(node)
            keywords = call.keywords if isinstance(call, ast.Call) else []
            if any(k.arg == "time_major" and ast.unparse(k.value) == "True" for k in keywords):
                scope.problem(node, "lays its sequences out with time first")
            layers.add(plain)
            scope.mark("layer", node, plain)
        elif net_name(scope, node) or _stays(found, index.settings):
            continue
        elif not _is_batch_name(scope, node) and id(node) not in scope.handled:
            scope.problem(node, f"uses {name} of RLlib")
    return layers


def _stays(name: str, settings: Settings) -> bool:
    """Say whether a name of RLlib means the same in the target, and is there."""
    if name.startswith(HARMLESS):
        return True
    there = current_name(name, ray_version=settings.ray_version)
    return settings.target == "ray" and (there or "").startswith(SHARED)


def _is_batch_name(scope: Scope, node: ast.AST) -> bool:
    """SampleBatch.OBS in a subscript, which goes with the subscript."""
    return isinstance(node, ast.Attribute) and isinstance(scope.parent(node), ast.Subscript)


def _skipped(scope: Scope) -> set[int]:
    """Nodes that do not stay: bases, base calls, decorators, annotations of replaced methods."""
    found: set[int] = set()

    def skip(node: ast.AST | None) -> None:
        if node is not None:
            found.update(id(child) for child in nodes_in(node))

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
        for statement in nodes_in(method):
            if isinstance(statement, ast.stmt) and is_base_call(scope, statement) is not None:
                skip(statement)
    return found
