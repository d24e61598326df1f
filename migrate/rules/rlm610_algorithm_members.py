"""Workers are env runners: members of an Algorithm get their names of today."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.modules import as_module
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.reading.weights import weights_edits
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import member_item
from rlmigrate.migrate.source import Span

CODE = "RLM610"

#: Thing and old member to today's, and the first target release that has it.
RENAMED = {
    (Thing.ALGORITHM, "workers"): ("env_runner_group", "2.40"),
    (Thing.ALGORITHM, "evaluation_workers"): ("eval_env_runner_group", "2.40"),
    (Thing.ALGORITHM, "restore_workers"): ("restore_env_runners", "2.47"),
    (Thing.WORKERS, "foreach_worker"): ("foreach_env_runner", "2.47"),
    (Thing.WORKERS, "foreach_worker_async"): ("foreach_env_runner_async", "2.47"),
    (Thing.WORKERS, "probe_unhealthy_workers"): ("probe_unhealthy_env_runners", "2.47"),
    (Thing.WORKERS, "num_remote_workers"): ("num_remote_env_runners", "2.40"),
    (Thing.WORKERS, "local_worker"): ("local_env_runner", "2.40"),
    (Thing.WORKERS, "foreach_env"): ("foreach_env_runner", "2.47"),
    (Thing.WORKER, "foreach_env"): ("envs", "2.47"),
}
#: What every environment of gymnasium has, wrapped or not.
OF_ENVIRONMENTS = frozenset(
    {"unwrapped", "reset", "step", "render", "close", "observation_space", "action_space"}
    | {"spec", "metadata", "render_mode", "np_random", "get_wrapper_attr"}
)
LOOP = (
    "foreach_env is gone: foreach_env_runner(lambda env_runner: [func(env) for env in "
    "env_runner.env.unwrapped.envs]); an attribute of your class is "
    'env.get_wrapper_attr("name") there, for gymnasium wraps it'
)


def check(context: FileContext) -> Iterable[Finding]:
    """Find members of objects that are RLlib's."""
    nodes = nodes_of(context)
    for node in nodes.attributes(*{name for _, name in RENAMED}):
        finding = _finding(context, nodes, node)
        if finding is not None:
            yield finding


def _finding(context: FileContext, nodes: Nodes, node: ast.Attribute) -> Finding | None:
    thing = algorithm_like(context, node.value)
    new, since = RENAMED.get((thing, node.attr), ("", ""))
    if not new or _released(context.settings.ray_version) < _released(since):
        return None
    if _inside_policy(context, nodes, node):
        return None
    end = context.source.span(node).end
    span = Span(end - len(node.attr), end)
    call = nodes.parents.get(node)
    called = isinstance(call, ast.Call) and call.func is node
    if node.attr == "local_worker":  # a method became a property
        if not called or not isinstance(call, ast.Call):
            return None
        span = Span(span.start, context.source.span(call).end)
    edits = [Edit(span, new, CODE)]
    outcome, message = Outcome.NATIVE, f"{node.attr} is now {new}"
    if node.attr == "foreach_env":
        made = _over_environments(context, node, call) if isinstance(call, ast.Call) else None
        edits = made or []
        if made is None:
            outcome, message = Outcome.MANUAL, LOOP
    elif isinstance(call, ast.Call) and called:
        for keyword in call.keywords:
            if keyword.arg == "local_worker":
                start = context.source.span(keyword).start
                word = Span(start, start + len("local_worker"))
                edits.append(Edit(word, "local_env_runner", CODE))
    told = member_item(
        context,
        node,
        code=CODE,
        outcome=outcome,
        message=message,
        name=f"{thing}.{node.attr}",
        new_name=new if outcome is Outcome.NATIVE else None,
    )
    return Finding(told, tuple(edits))


def _released(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _inside_policy(context: FileContext, nodes: Nodes, node: ast.Attribute) -> bool:
    """Whether a member leads to a policy that RLM502 writes as a module at once."""
    if node.attr not in ("workers", "local_worker"):
        return False
    for up in nodes.up(node):
        if not isinstance(up, ast.Attribute | ast.Call | ast.Subscript):
            return False
        if algorithm_like(context, up) is Thing.POLICY:
            if as_module(context, up) is not None:
                return True
            outer = nodes.parents.get(up)
            return isinstance(outer, ast.Attribute) and (
                outer.attr == "model" or bool(weights_edits(context, outer))
            )
    return False


def _over_environments(
    context: FileContext, node: ast.Attribute, call: ast.Call
) -> list[Edit] | None:
    """`foreach_env(lambda env: f(env))` loops over the environments of each env runner."""
    function = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if not isinstance(function, ast.Lambda):
        return None
    args = function.args
    if len(args.args) != 1 or args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg:
        return None
    name, source, body = args.args[0].arg, context.source, function.body
    start, end = source.span(body).start, source.span(body).end
    one = algorithm_like(context, node.value) is Thing.WORKER
    if one:  # of one env runner: the list itself
        runner = source.segment(node.value)
        head = Span(source.span(call).start, start)
        edits = [Edit(head, "[", CODE)]
    else:
        runner = "env_runner"
        word = Span(source.span(node).end - len(node.attr), source.span(node).end)
        edits = [Edit(word, "foreach_env_runner", CODE)]
        edits.append(Edit(Span(source.span(function).start, start), "lambda env_runner: [", CODE))
    parents = nodes_of(context).parents
    for inner in ast.walk(body):
        if isinstance(inner, ast.Name) and inner.id == runner:
            return None
        handed = isinstance(inner, ast.Name) and inner.id == name
        if handed and not isinstance(parents[inner], ast.Attribute):
            return None  # to code that may not expect gymnasium's wrappers
        if not (isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name)):
            continue
        if inner.value.id == name and inner.attr not in OF_ENVIRONMENTS:
            after = Span(source.span(inner.value).end, source.span(inner).end)
            edits.append(Edit(after, f'.get_wrapper_attr("{inner.attr}")', CODE))
    last = source.span(call).end if one else end
    edits.append(Edit(Span(end, last), f" for {name} in {runner}.env.unwrapped.envs]", CODE))
    return edits


RULE = Rule(
    code=CODE,
    name="algorithm-members",
    kind=Kind.CALL,
    summary="Workers are env runners: members of an Algorithm get their names of today.",
    explanation="""
`Algorithm.workers` and its methods were renamed in Ray 2.34 and raise since 2.47. They are renamed
where the object is certain to be RLlib's: built from a config, restored from a checkpoint,
annotated, handed to a callback, or given to a function by all of its callers. `foreach_env` is
gone; a lambda becomes a loop over the environments of each env runner, which gymnasium has wrapped.
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
        Case(
            "environments_in_a_callback",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Harder(RLlibCallback):
    def on_train_result(self, *, algorithm, result, **kwargs):
        algorithm.workers.foreach_worker(
            lambda worker: worker.foreach_env(lambda env: env.set_task(1)), local_worker=False
        )
        algorithm.evaluation_workers.foreach_env(lambda env: env.unwrapped.task)
""",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Harder(RLlibCallback):
    def on_train_result(self, *, algorithm, result, **kwargs):
        algorithm.env_runner_group.foreach_env_runner(
            lambda worker: [env.get_wrapper_attr("set_task")(1) for env in worker.env.unwrapped.envs], local_env_runner=False
        )
        algorithm.eval_env_runner_group.foreach_env_runner(lambda env_runner: [env.unwrapped.task for env in env_runner.env.unwrapped.envs])
""",  # noqa: E501
        ),
        Case(
            "environments_in_a_function_of_its_own",
            """
from ray.rllib.algorithms.ppo import PPOConfig


def harder(env):
    env.level += 1


algo = PPOConfig().build_algo()
algo.env_runner_group.foreach_env(harder)
algo.env_runner_group.foreach_env(lambda env: harder(env))
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig


def harder(env):
    env.level += 1


algo = PPOConfig().build_algo()
# TODO(rlmigrate RLM610): foreach_env is gone: foreach_env_runner(lambda env_runner: [func(env)
#     for env in env_runner.env.unwrapped.envs]); an attribute of your class is
#     env.get_wrapper_attr("name") there, for gymnasium wraps it
algo.env_runner_group.foreach_env(harder)
# TODO(rlmigrate RLM610): foreach_env is gone: foreach_env_runner(lambda env_runner: [func(env)
#     for env in env_runner.env.unwrapped.envs]); an attribute of your class is
#     env.get_wrapper_attr("name") there, for gymnasium wraps it
algo.env_runner_group.foreach_env(lambda env: harder(env))
""",
        ),
    ),
)
