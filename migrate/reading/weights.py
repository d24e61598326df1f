"""Weights that are taken from an algorithm or a policy, and given to one.

weights_edits   the edits that make a call on weights one of the new stack; none where unsure
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.modules import policy_origin
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span

CODE = "RLM503"
WIDTH = 88


def weights_edits(context: FileContext, node: ast.Attribute) -> tuple[Edit, ...]:
    """Rewrite `get_weights()`, `set_weights(w)` and `model.load_state_dict(w)`.

    `node` is the method, or the `.model` before `.load_state_dict`.
    """
    methods = ("get_weights", "set_weights", "model")
    if context.settings.target != "ray" or node.attr not in methods:
        return ()
    nodes = nodes_of(context)
    if node.attr == "model":
        method = nodes.parents[node]
        call = nodes.parents.get(method)
        thing = algorithm_like(context, node.value)
        if not (isinstance(method, ast.Attribute) and method.attr == "load_state_dict"):
            return ()
    else:
        call = nodes.parents.get(node)
        thing = algorithm_like(context, node.value)
    if not (isinstance(call, ast.Call) and thing in (Thing.ALGORITHM, Thing.POLICY)):
        return ()
    if node.attr == "get_weights":
        return _taken(context, node, call, thing)
    alone = isinstance(nodes.parents.get(call), ast.Expr)
    given = [*call.args, *(k.value for k in call.keywords if k.arg == "weights")]
    if not alone or len(given) != 1 or len(call.args) + len(call.keywords) != 1:
        return ()
    if isinstance(given[0], ast.Starred):
        return ()
    source = context.source
    opened, closed = '{"learner_group": {"learner": {"rl_module": ', "}}}"
    algorithm = source.segment(node.value)
    if thing is Thing.POLICY:
        origin = policy_origin(context, node.value)
        if origin is None:
            return ()
        algorithm = origin.algorithm
        opened, closed = f"{opened}{{{origin.key}: ", closed + "}"
    head, tail = f"{algorithm}.set_state(", ")"
    written = source.segment(given[0])
    if call.col_offset + len(head + opened + written + closed + tail) > WIDTH:
        indent = " " * call.col_offset
        head, tail = f"{head}\n{indent}    ", f"\n{indent})"
    start, value, end = source.span(call).start, source.span(given[0]), source.span(call).end
    return (
        Edit(Span(start, value.start), head + opened, CODE),
        Edit(Span(value.end, end), closed + tail, CODE),
    )


def _taken(
    context: FileContext, node: ast.Attribute, call: ast.Call, thing: Thing
) -> tuple[Edit, ...]:
    """Weights are the Learner's: what an env runner's module has may lack the critic."""
    origin = policy_origin(context, node.value) if thing is Thing.POLICY else None
    if origin is None or call.args or call.keywords:
        return ()
    span = context.source.span(call)
    text = f"{origin.algorithm}.get_weights()[{origin.key}]"
    return (Edit(span, text, CODE),)
