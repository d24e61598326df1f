"""Algorithms, policies and worker groups: which expressions are one.

Thing           what an expression is
algorithm_like  say what an expression is
"""

from __future__ import annotations

import ast
from enum import StrEnum

from rlmigrate.migrate.configs.consumers import algorithm_of
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext

DEPTH = 10


class Thing(StrEnum):
    """What an expression is; `""` stands for anything else."""

    ALGORITHM = "algorithm"
    POLICY = "policy"
    WORKERS = "workers"
    WORKER = "worker"
    OTHER = ""


def algorithm_like(context: FileContext, node: ast.expr, depth: int = DEPTH) -> Thing:
    """Say what an expression is, as far as the file shows with certainty."""
    if depth == 0:
        return Thing.OTHER
    if isinstance(node, ast.Call):
        return _called(context, node, depth - 1)
    if isinstance(node, ast.Name):
        return _named(context, node, depth - 1)
    if isinstance(node, ast.Attribute):
        return _attribute(context, node, depth - 1)
    return Thing.OTHER


def _called(context: FileContext, node: ast.Call, depth: int) -> Thing:
    imports = context.index.files[context.source.path].imports
    qualified = imports.qualified(node.func) or ""
    if algorithm_of(qualified):
        return Thing.ALGORITHM
    if not isinstance(node.func, ast.Attribute):
        return Thing.OTHER
    name, owner = node.func.attr, node.func.value
    if name in ("build", "build_algo") and builders_of(context).config(owner) is not None:
        return Thing.ALGORITHM
    if name == "from_checkpoint":
        home = imports.qualified(owner) or ""
        if home.startswith("ray.rllib.algorithms"):
            return Thing.ALGORITHM
        return Thing.POLICY if home.startswith("ray.rllib.policy") else Thing.OTHER
    if name == "get_policy" and algorithm_like(context, owner, depth) in (
        Thing.ALGORITHM,
        Thing.WORKER,
    ):
        return Thing.POLICY
    if name == "local_worker" and algorithm_like(context, owner, depth) is Thing.WORKERS:
        return Thing.WORKER
    return Thing.OTHER


def _named(context: FileContext, node: ast.Name, depth: int) -> Thing:
    nodes = nodes_of(context)
    scope: ast.AST = nodes.scope(node)
    while True:
        bound = [] if isinstance(scope, ast.ClassDef) else nodes.bindings(node.id, scope)
        if bound:
            found = {_bound(context, item, depth) for item in bound}
            return found.pop() if len(found) == 1 else Thing.OTHER
        if scope is nodes.tree:
            return Thing.OTHER
        scope = nodes.scope(scope)


def _bound(context: FileContext, node: ast.AST, depth: int) -> Thing:
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if all(isinstance(target, ast.Name) for target in targets):
            return algorithm_like(context, node.value, depth)
    if isinstance(node, ast.arg) and node.annotation is not None:
        imports = context.index.files[context.source.path].imports
        annotation = node.annotation
        written = annotation.value if isinstance(annotation, ast.Constant) else None
        qualified = (
            imports.resolve(written) if isinstance(written, str) else imports.qualified(annotation)
        ) or ""
        if qualified.startswith("ray.rllib.") and (
            qualified.endswith((".Algorithm", ".Trainer")) or algorithm_of(qualified)
        ):
            return Thing.ALGORITHM
        if qualified.startswith("ray.rllib.policy") and qualified.endswith("Policy"):
            return Thing.POLICY
    return Thing.OTHER


def _attribute(context: FileContext, node: ast.Attribute, depth: int) -> Thing:
    if node.attr in ("workers", "env_runner_group", "evaluation_workers"):
        owner = algorithm_like(context, node.value, depth)
        return Thing.WORKERS if owner is Thing.ALGORITHM else Thing.OTHER
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        nodes = nodes_of(context)
        holder = next((up for up in nodes.up(node) if isinstance(up, ast.ClassDef)), None)
        found = {
            algorithm_like(context, statement.value, depth)
            for statement in nodes.of(ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Attribute)
            and target.attr == node.attr
            and isinstance(target.value, ast.Name)
            and target.value.id == "self"
            and holder is not None
            and holder in nodes.up(statement)
        }
        return found.pop() if len(found) == 1 else Thing.OTHER
    return Thing.OTHER
