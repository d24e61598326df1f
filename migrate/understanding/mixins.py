"""Bases of the repository that are no models: they add methods, or are the torch net itself.

read_mixin   note what speaks against one of them as a base of a module
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.known import ray_kind
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.base_calls import relative_behind
from rlmigrate.migrate.understanding.kin import Relative
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.super_calls import calls_base
from rlmigrate.migrate.understanding.vocabulary import HOOKS, OWN_NAMES

_OLD = frozenset({"forward", "value_function", "get_initial_state", "forward_rnn", *HOOKS})


def read_mixin(scope: Scope, base: ast.expr, mixin: Relative, kept: Collection[str]) -> None:
    """A class that is no model may add methods, as long as neither stack calls them.

    `kept` are attributes that forward sets and that become something else.
    """
    name = mixin.node.name
    for method in mixin.methods:
        if method == "forward" and _stays_its_own(scope, mixin):
            continue
        if method in OWN_NAMES or method in _OLD:
            scope.problem(base, f"inherits {method} from {name}")
    if "__init__" in mixin.methods and not _is_behind_a_model(scope, base):
        scope.problem(base, f"inherits from {name} first, whose constructor a module would run")
    for method, function in mixin.methods.items():
        for node in nodes_in(function):
            attribute = self_attribute(node)
            if attribute in {"obs_space", "model_config", "num_outputs", *kept}:
                scope.problem(base, f"inherits from {name}, which reads self.{attribute}")
            stored = attribute and isinstance(getattr(node, "ctx", None), ast.Store)
            if stored and attribute in OWN_NAMES:
                held = "which RLModule keeps for itself"
                scope.problem(base, f"inherits from {name}, which sets self.{attribute}, {held}")
            elif stored and method != "__init__":
                scope.problem(base, f"inherits from {name}, which sets self.{attribute}")


def _stays_its_own(scope: Scope, mixin: Relative) -> bool:
    """Say whether the forward of a torch net is only ever called by the net's name."""
    own = scope.methods.get("forward")
    bases = {mixin.file.imports.qualified(each) for each in mixin.node.bases}
    if own is None or calls_base(own) or bases != {"torch.nn.Module"}:
        return False
    return not any(
        self_attribute(node) == "forward"
        or (isinstance(node, ast.Call) and dotted(node.func) == "self")
        for method in (*mixin.methods.values(), *scope.methods.values())
        for node in nodes_in(method)
    )


def _is_behind_a_model(scope: Scope, base: ast.expr) -> bool:
    """Say whether a model stands before a base, so that the module's constructor comes first."""
    for each in scope.node.bases:
        if each is base:
            return False
        plain = each.value if isinstance(each, ast.Subscript) else each
        found = scope.qualified(plain) or dotted(plain) or ""
        kin = scope.kin
        if ray_kind(found) == "model" or (kin and relative_behind(scope, each, kin.bases)):
            return True
    return False
