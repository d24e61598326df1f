"""Policies that can become modules: where they come from, and what is done with them.

Origin          the algorithm and the id that an expression gets its policy by
policy_origin   read one of `algo.get_policy(id)` and `algo...policy_map[id]`, or a name for it
module_for      the text of the module that stands for a policy from now on
as_module       the edits that make `policy = algo.get_policy()` a module; None where it stays
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span

#: What modules have under the same name, or other rules rewrite.
MEMBERS = frozenset(
    {"compute_single_action", "compute_actions", "compute_actions_from_input_dict"}
    | {"compute_log_likelihoods", "observation_space", "action_space", "get_weights"}
)
#: What torch's modules have, so that a policy's model and the RLModule both have it.
OF_TORCH = frozenset(
    {"state_dict", "parameters", "named_parameters", "modules", "named_modules", "children"}
    | {"named_children", "buffers", "eval", "train", "training", "requires_grad_", "zero_grad"}
    | {"register_forward_hook", "to", "cpu", "cuda"}
)
DEFAULT_ID = '"default_policy"'


@dataclass(frozen=True)
class Origin:
    """`algorithm` and `policy_id` are source text, `getter` the expression that gets the policy."""

    getter: ast.expr
    algorithm: str
    policy_id: str | None

    @property
    def key(self) -> str:
        """The id by which weights of all modules are kept."""
        return self.policy_id or DEFAULT_ID

    @property
    def module(self) -> str:
        """The expression that gets the module."""
        return f"{self.algorithm}.get_module({self.policy_id or ''})"


def policy_origin(context: FileContext, node: ast.expr) -> Origin | None:
    """Read where a policy comes from; None where that cannot be written at another place."""
    if isinstance(node, ast.Name):
        made = nodes_of(context).value_of(node)
        origin = _gotten(context, made) if made is not None else None
        if origin is None or not _same_there(context, node, origin):
            return None
        return origin
    return _gotten(context, node)


def module_for(context: FileContext, node: ast.expr) -> str | None:
    """Write a policy as the module that takes its place; None where it cannot become one."""
    if isinstance(node, ast.Name):
        made = nodes_of(context).value_of(node)
        if made is None or as_module(context, made) is None:
            return None
        return context.source.segment(node)
    origin = _gotten(context, node)
    if origin is None:
        return None
    function = node.func if isinstance(node, ast.Call) else None
    if not (isinstance(function, ast.Attribute) and isinstance(node, ast.Call)):
        return origin.module
    if node.keywords or algorithm_like(context, function.value) is not Thing.ALGORITHM:
        return origin.module
    text = context.source.segment(node)  # the argument stays as it is laid out
    head = context.source.segment(function.value)
    return f"{head}.get_module{text[len(context.source.segment(function)) :]}"


def as_module(context: FileContext, getter: ast.expr) -> tuple[Edit, ...] | None:
    """Return the edits that make a name stand for a module, if all that follows works on one."""
    origin = _gotten(context, getter)
    nodes = nodes_of(context)
    assign = nodes.parents.get(getter)
    if origin is None or not (isinstance(assign, ast.Assign) and len(assign.targets) == 1):
        return None
    target = assign.targets[0]
    if not isinstance(target, ast.Name):
        return None
    scope = nodes.scope(assign)
    if nodes.bindings(target.id, scope) != [assign]:
        return None
    edits = list(getting(context, origin))
    for use in nodes.of(ast.Name):
        if use.id != target.id or not isinstance(use.ctx, ast.Load):
            continue
        inside = nodes.scope(use)
        if inside is not scope and scope not in nodes.up(inside):
            continue
        member = nodes.parents[use]
        if not isinstance(member, ast.Attribute):
            return None
        if member.attr == "model":
            if not _of_torch(nodes, member):
                return None
            end = context.source.span(member).end
            edits.append(Edit(Span(context.source.span(use).end, end), "", "RLM502"))
        elif not _known_member(context, nodes, use, member):
            return None
    return tuple(edits)


def getting(context: FileContext, origin: Origin) -> tuple[Edit, ...]:
    """Return the edits that make one expression get the module and not the policy."""
    source, getter = context.source, origin.getter
    function = getter.func if isinstance(getter, ast.Call) else None
    if not (isinstance(function, ast.Attribute) and isinstance(getter, ast.Call)) or (
        algorithm_like(context, function.value) is not Thing.ALGORITHM
    ):
        return (Edit(source.span(getter), origin.module, "RLM502"),)
    end = source.span(function).end
    edits = [Edit(Span(end - len("get_policy"), end), "get_module", "RLM502")]
    for keyword in getter.keywords:
        start = source.span(keyword).start
        edits.append(Edit(Span(start, start + len("policy_id")), "module_id", "RLM502"))
    return tuple(edits)


def _gotten(context: FileContext, node: ast.expr) -> Origin | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr != "get_policy" or len(node.args) + len(node.keywords) > 1:
            return None
        given = [*node.args, *(k.value for k in node.keywords if k.arg == "policy_id")]
        if isinstance(node.func.value, ast.Name | ast.Attribute | ast.Call):
            return _origin(context, node, node.func.value, given)
    listed = node.value if isinstance(node, ast.Subscript) else None
    if not (isinstance(listed, ast.Attribute) and isinstance(node, ast.Subscript)):
        return None
    if algorithm_like(context, listed) is not Thing.POLICIES:
        return None
    return _origin(context, node, listed.value, [node.slice])


def _origin(
    context: FileContext, getter: ast.expr, owner: ast.expr, given: list[ast.expr]
) -> Origin | None:
    asked = len(getter.args) + len(getter.keywords) if isinstance(getter, ast.Call) else 1
    if len(given) != asked or any(isinstance(item, ast.Starred) for item in given):
        return None
    kind = algorithm_like(context, owner)
    if kind is Thing.WORKER:
        owner = _algorithm_of_worker(context, owner) or owner
        kind = algorithm_like(context, owner)
    if kind is not Thing.ALGORITHM:
        return None
    text = context.source.segment(given[0]) if given else None
    return Origin(getter, context.source.segment(owner), text)


def _algorithm_of_worker(context: FileContext, worker: ast.expr) -> ast.expr | None:
    """`algo` of `algo.workers.local_worker()`; None for a worker for evaluation."""
    if isinstance(worker, ast.Attribute) and worker.attr == "env_runner":
        return worker.value
    if isinstance(worker, ast.Call):
        worker = worker.func
    group = worker.value if isinstance(worker, ast.Attribute) else None
    if isinstance(group, ast.Attribute) and group.attr in ("workers", "env_runner_group"):
        return group.value
    return None


def _same_there(context: FileContext, use: ast.Name, origin: Origin) -> bool:
    """Whether the algorithm and the id mean the same where a policy is used."""
    nodes = nodes_of(context)
    names = [n for n in ast.walk(origin.getter) if isinstance(n, ast.Name)]
    scope = nodes.scope(origin.getter)
    if nodes.scope(use) is not scope and scope not in nodes.up(use):
        return False
    bound = {n.id: nodes.bindings(n.id, scope) or nodes.bindings(n.id, nodes.tree) for n in names}
    simple = not any(isinstance(n, ast.Call) for n in _within(origin.getter))
    return simple and all(len(found) <= 1 for found in bound.values())


def _within(getter: ast.expr) -> list[ast.AST]:
    """The parts of an expression, but for the calls that lead from an algorithm to its policy."""
    leading = ("get_policy", "local_worker")
    return [
        node
        for node in ast.walk(getter)
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in leading
        )
    ]


def _of_torch(nodes: Nodes, model: ast.Attribute) -> bool:
    """Whether what is done with a policy's model can be done with any module of torch."""
    parent = nodes.parents[model]
    return isinstance(parent, ast.Attribute) and parent.attr in OF_TORCH


def _known_member(context: FileContext, nodes: Nodes, use: ast.Name, member: ast.Attribute) -> bool:
    if member.attr == "set_weights":
        return policy_origin(context, use) is not None
    if member.attr not in MEMBERS:
        return False
    return not member.attr.startswith("compute_") or _known_arguments(nodes.parents[member])


def _known_arguments(call: ast.AST) -> bool:
    from rlmigrate.migrate.reading.acting import acting_problem

    return isinstance(call, ast.Call) and acting_problem(call, Thing.POLICY) is None
