"""Algorithms, policies and worker groups: which expressions are one.

algorithm_like   say what an expression is
algorithm_class  tell whether an expression is the class of an algorithm
"""

from __future__ import annotations

import ast
import re

from rlmigrate.migrate.configs.consumers import algorithm_of
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.rules.base import FileContext

DEPTH = 12
OF_RLLIB = re.compile(r"ray\.rllib\.(Torch|TF)?Policy")
#: Functions of Ray, of any release, that return the class of an algorithm by its name.
GETTERS = frozenset({"get_trainer_class", "get_agent_class", "get_algorithm_class"})
#: Member of a thing to what it is.
MEMBERS = {
    ("algorithm", "workers"): "workers",
    ("algorithm", "env_runner_group"): "workers",
    ("algorithm", "evaluation_workers"): "workers",
    ("algorithm", "eval_env_runner_group"): "workers",
    ("algorithm", "env_runner"): "worker",
    ("algorithm", "eval_env_runner"): "worker",
    ("workers", "local_env_runner"): "worker",
    ("worker", "policy_map"): "policy map",
}
#: Method of a thing to what it returns.
RESULTS = {
    ("algorithm", "get_policy"): "policy",
    ("worker", "get_policy"): "policy",
    ("workers", "local_worker"): "worker",
}


def algorithm_like(context: FileContext, node: ast.expr, depth: int = DEPTH) -> Thing:
    """Say what an expression is, as far as the file shows with certainty."""
    from rlmigrate.migrate.reading.bound_things import bound_thing, held_thing

    if depth == 0:
        return Thing.OTHER
    if isinstance(node, ast.Call):
        return _called(context, node, depth - 1)
    if isinstance(node, ast.Name):
        return bound_thing(context, node, depth - 1)
    if isinstance(node, ast.Subscript):
        owner = algorithm_like(context, node.value, depth - 1)
        return Thing.POLICY if owner is Thing.POLICIES else Thing.OTHER
    if isinstance(node, ast.Attribute):
        held = held_thing(context, node, depth - 1)
        if held is not Thing.OTHER or not any(name == node.attr for _, name in MEMBERS):
            return held
        owner = algorithm_like(context, node.value, depth - 1)
        return Thing(MEMBERS.get((owner, node.attr), ""))
    return Thing.OTHER


def algorithm_class(context: FileContext, node: ast.expr, depth: int = DEPTH) -> bool:
    """Tell whether an expression is the class of an algorithm: RLlib's, or derived from it."""
    imports = context.index.files[context.source.path].imports
    if depth == 0:
        return False
    if isinstance(node, ast.Call):
        called = imports.qualified(node.func) or ""
        name = called.rpartition(".")[2]
        if called.startswith("ray.rllib.") and name in GETTERS | {"build_trainer"}:
            return True
        updated = isinstance(node.func, ast.Attribute) and node.func.attr == "with_updates"
        return updated and algorithm_class(context, node.func.value, depth - 1)  # type: ignore[attr-defined]
    qualified = imports.qualified(node) or ""
    if algorithm_of(qualified) or context.index.legacy_kind(qualified) == "trainer":
        return True
    if isinstance(node, ast.Name):
        entry = context.index.files[context.source.path]
        if context.index.legacy_kind(f"{entry.module}.{node.id}") == "trainer":
            return True
        value = nodes_of(context).value_of(node)
        return value is not None and algorithm_class(context, value, depth - 1)
    return False


def _called(context: FileContext, node: ast.Call, depth: int) -> Thing:
    from rlmigrate.migrate.reading.bound_things import returned_thing

    imports = context.index.files[context.source.path].imports
    if algorithm_class(context, node.func, depth):
        return Thing.ALGORITHM
    if isinstance(node.func, ast.Name):
        return returned_thing(context, node.func, depth)
    if not isinstance(node.func, ast.Attribute):
        return Thing.OTHER
    name, owner = node.func.attr, node.func.value
    if name in ("build", "build_algo") and builders_of(context).config(owner) is not None:
        return Thing.ALGORITHM
    if name == "from_checkpoint":
        home = imports.qualified(owner) or ""
        if home.startswith("ray.rllib.algorithms") or algorithm_class(context, owner, depth):
            return Thing.ALGORITHM
        known = home.startswith("ray.rllib.policy") or OF_RLLIB.fullmatch(home)
        return Thing.POLICY if known else Thing.OTHER
    if any(name == method for _, method in RESULTS):
        return Thing(RESULTS.get((algorithm_like(context, owner, depth), name), ""))
    return Thing.OTHER
