"""Workers are env runners: members of an Algorithm get their names of today."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.algorithms import Thing, algorithm_like
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.source import Span

CODE = "RLM610"

#: Thing and old member to today's.
RENAMED = {
    (Thing.ALGORITHM, "workers"): "env_runner_group",
    (Thing.ALGORITHM, "evaluation_workers"): "eval_env_runner_group",
    (Thing.WORKERS, "foreach_worker"): "foreach_env_runner",
    (Thing.WORKERS, "num_remote_workers"): "num_remote_env_runners",
    (Thing.WORKERS, "local_worker"): "local_env_runner",
}


def check(context: FileContext) -> Iterable[Finding]:
    """Find members of objects that are RLlib's."""
    nodes = nodes_of(context)
    for node in nodes.attributes(*sorted({name for _, name in RENAMED})):
        finding = _finding(context, nodes, node)
        if finding is not None:
            yield finding


def _finding(context: FileContext, nodes: Nodes, node: ast.Attribute) -> Finding | None:
    thing = algorithm_like(context, node.value)
    new = RENAMED.get((thing, node.attr))
    if new is None:
        return None
    end = context.source.span(node).end
    span = Span(end - len(node.attr), end)
    if node.attr == "local_worker":  # a method became a property
        call = nodes.parents.get(node)
        if not (isinstance(call, ast.Call) and call.func is node):
            return None
        span = Span(span.start, context.source.span(call).end)
    item = Item(
        path=str(context.source.path),
        line=node.end_lineno or node.lineno,
        name=f"{thing}.{node.attr}",
        kind=Kind.CALL,
        outcome=Outcome.NATIVE,
        code=CODE,
        message=f"{node.attr} is now {new}",
        new_name=new,
        column=node.col_offset,
    )
    return Finding(item, (Edit(span, new, CODE),))


RULE = Rule(
    code=CODE,
    name="algorithm-members",
    kind=Kind.CALL,
    summary="Workers are env runners: members of an Algorithm get their names of today.",
    explanation="""
`Algorithm.workers` and its methods were renamed in Ray 2.34 and raise since 2.47. They are renamed
where the object is certain to be RLlib's: built from a config, restored from a checkpoint, or
annotated.
""",
    check=check,
    since="2.34",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "workers_of_another_object",
            """
import ray.rllib
from pool import Pool

pool = Pool()
pool.workers.local_worker()
""",
        ),
        Case(
            "name_bound_twice",
            """
from pool import Pool
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
algo = Pool(algo)
print(algo.workers)
""",
        ),
    ),
    cases=(
        Case(
            "foreach_worker",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
algo.workers.foreach_worker(print)
print(algo.workers.local_worker())
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
algo.env_runner_group.foreach_env_runner(print)
print(algo.env_runner_group.local_env_runner)
""",
        ),
    ),
)
