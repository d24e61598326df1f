"""Policies that can become modules: where they come from, and what is done with them.

module_for      the text of the module that stands for a policy from now on
as_module       the edits that make `policy = algo.get_policy()` a module; None where it stays
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.algorithms import Thing, algorithm_like
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span

#: What modules have under the same name, or other rules rewrite.
MEMBERS = frozenset(
    {"compute_single_action", "compute_actions", "compute_actions_from_input_dict"}
    | {"compute_log_likelihoods", "observation_space", "action_space", "get_weights"}
)


def module_for(context: FileContext, node: ast.expr) -> str | None:
    """Write a policy as the module that takes its place; None where it cannot become one."""
    text = context.source.segment(node)
    if isinstance(node, ast.Call):
        function = node.func
        if not _gets_policy(context, node) or not isinstance(function, ast.Attribute):
            return None
        head = context.source.segment(function.value)
        return f"{head}.get_module{text[len(context.source.segment(function)) :]}"
    if isinstance(node, ast.Name):
        made = _made(context, node)
        return text if made is not None and as_module(context, made) is not None else None
    return None


def as_module(context: FileContext, call: ast.Call) -> Edit | None:
    """Return the edit that makes a call get the module, if all that follows works on one."""
    nodes = nodes_of(context)
    assign = nodes.parents.get(call)
    if not (isinstance(assign, ast.Assign) and len(assign.targets) == 1):
        return None
    target = assign.targets[0]
    if not (isinstance(target, ast.Name) and _gets_policy(context, call)):
        return None
    scope = nodes.scope(assign)
    if nodes.bindings(target.id, scope) != [assign]:
        return None
    for use in nodes.of(ast.Name):
        if use.id != target.id or not isinstance(use.ctx, ast.Load):
            continue
        inside = nodes.scope(use)
        if inside is not scope and scope not in nodes.up(inside):
            continue
        parent = nodes.parents[use]
        if not (isinstance(parent, ast.Attribute) and parent.attr in MEMBERS):
            return None
        if parent.attr.startswith("compute_") and not _known_arguments(nodes.parents[parent]):
            return None
    assert isinstance(call.func, ast.Attribute)
    end = context.source.span(call.func).end
    return Edit(Span(end - len("get_policy"), end), "get_module", "RLM502")


def _known_arguments(call: ast.AST) -> bool:
    from rlmigrate.migrate.reading.acting import acting_problem

    return isinstance(call, ast.Call) and acting_problem(call, Thing.POLICY) is None


def _gets_policy(context: FileContext, call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "get_policy"
        and algorithm_like(context, function.value) is Thing.ALGORITHM
    )


def _made(context: FileContext, node: ast.Name) -> ast.Call | None:
    value = nodes_of(context).value_of(node)
    return value if isinstance(value, ast.Call) else None
