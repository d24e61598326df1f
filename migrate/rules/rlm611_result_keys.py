"""Keys of training results and stopping conditions get their names of the new stack."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule

CODE = "RLM611"

#: Old key to the path of today's.
KEYS = {
    "episode_reward_mean": ("env_runners", "episode_return_mean"),
    "episode_reward_max": ("env_runners", "episode_return_max"),
    "episode_reward_min": ("env_runners", "episode_return_min"),
    "episode_len_mean": ("env_runners", "episode_len_mean"),
    "episodes_total": ("env_runners", "num_episodes_lifetime"),
    "episodes_this_iter": ("env_runners", "num_episodes"),
    "policy_reward_mean": ("env_runners", "module_episode_returns_mean"),
    "timesteps_total": ("num_env_steps_sampled_lifetime",),
    "num_env_steps_sampled": ("num_env_steps_sampled_lifetime",),
}
METRIC_ARGUMENTS = frozenset({"metric", "checkpoint_score_attr", "checkpoint_score_attribute"})


def check(context: FileContext) -> Iterable[Finding]:
    """Find the keys where they are certain to be RLlib's."""
    nodes = nodes_of(context)
    for node, path in _in_tune(nodes):
        mark = _quote(context, node)
        yield _finding(context, node, f"{mark}{'/'.join(path)}{mark}", path)
    for item in nodes.of(ast.Subscript):
        key = item.slice
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            continue
        loaded = key.value in KEYS and isinstance(item.ctx, ast.Load)
        if loaded and _is_result(context, nodes, item.value):
            path = KEYS[key.value]
            mark = _quote(context, key)
            text = "][".join(f"{mark}{part}{mark}" for part in path)
            yield _finding(context, key, text, path)


def _quote(context: FileContext, node: ast.Constant) -> str:
    """The quotation mark of a string: another one would end an f-string around it."""
    return "'" if context.source.segment(node).startswith("'") else '"'


def _in_tune(nodes: Nodes) -> Iterator[tuple[ast.Constant, tuple[str, ...]]]:
    """Keys of `stop` dicts and values of `metric=` in Tune's calls."""
    for node in nodes.strings(*KEYS):
        parent = nodes.parents.get(node)
        metric = isinstance(parent, ast.keyword) and parent.arg in METRIC_ARGUMENTS
        stop = isinstance(parent, ast.Dict) and node in parent.keys and _stops(nodes, parent)
        if metric or stop:
            yield node, KEYS[str(node.value)]


def _stops(nodes: Nodes, node: ast.Dict) -> bool:
    """Whether a dict is `stop=` of a call or is given to a name that says so."""
    parent = nodes.parents.get(node)
    if isinstance(parent, ast.keyword):
        return parent.arg == "stop"
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        return (dotted(parent.targets[0]) or "").rpartition(".")[2].startswith("stop")
    return False


def _is_result(context: FileContext, nodes: Nodes, node: ast.expr) -> bool:
    """Whether an expression is what `algo.train()` returned."""
    if isinstance(node, ast.Name):
        value = nodes.value_of(node)
        if value is None:
            return _is_handed_over(context, nodes, node)
        return _is_result(context, nodes, value)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "train"
        and algorithm_like(context, node.func.value) is Thing.ALGORITHM
    )


def _is_handed_over(context: FileContext, nodes: Nodes, name: ast.Name) -> bool:
    """Whether a name is the `result` that a callback is given for a training iteration."""
    method = nodes.scope(name)
    owner = nodes.parents.get(method)
    if not (isinstance(method, ast.FunctionDef) and isinstance(owner, ast.ClassDef)):
        return False
    if method.name != "on_train_result" or name.id != "result":
        return False
    if any(not isinstance(bound, ast.arg) for bound in nodes.bindings("result", method)):
        return False
    entry = context.index.files[context.source.path]
    return context.index.legacy_kind(f"{entry.module}.{owner.name}") == "callback"


def _finding(context: FileContext, node: ast.Constant, text: str, path: tuple[str, ...]) -> Finding:
    old = str(node.value)
    item = Item(
        path=str(context.source.path),
        line=node.lineno,
        name=old,
        kind=Kind.CALL,
        outcome=Outcome.NATIVE,
        code=CODE,
        message=f"{old} is now {'/'.join(path)}",
        new_name="/".join(path),
        column=node.col_offset,
    )
    return Finding(item, (Edit(context.source.span(node), text, CODE),))


RULE = Rule(
    code=CODE,
    name="result-keys",
    kind=Kind.CALL,
    summary="Keys of training results and stopping conditions get their names of the new stack.",
    explanation="""
The new stack reports returns under `env_runners`, and counts steps over the whole run. Stopping
conditions with an old key never stop; Tune raises for a metric that no result holds.
""",
    check=check,
    words=frozenset(KEYS),
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "column_of_a_table",
            """
import pandas as pd
import ray.rllib

table = pd.read_csv("progress.csv")
print(table["episode_reward_mean"])
""",
        ),
        Case(
            "dict_of_something_else",
            """
import ray.rllib

LABELS = {"episode_reward_mean": "return"}
""",
        ),
    ),
    cases=(
        Case(
            "stop_and_result",
            """
from ray.rllib.algorithms.ppo import PPOConfig

stop = {"episode_reward_mean": 150, "timesteps_total": 1000}
algo = PPOConfig().build_algo()
result = algo.train()
print(result["episode_reward_mean"])
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

stop = {"env_runners/episode_return_mean": 150, "num_env_steps_sampled_lifetime": 1000}
algo = PPOConfig().build_algo()
result = algo.train()
print(result["env_runners"]["episode_return_mean"])
""",
        ),
        Case(
            "result_that_a_callback_is_given",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_train_result(self, *, algorithm, result, **kwargs):
        print(result["policy_reward_mean"]["a"], result["episodes_this_iter"])
        result["episode_reward_mean"] = 3
""",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_train_result(self, *, algorithm, result, **kwargs):
        print(result["env_runners"]["module_episode_returns_mean"]["a"], result["env_runners"]["num_episodes"])
        result["episode_reward_mean"] = 3
""",  # noqa: E501
        ),
        Case(
            "inside_an_f_string",
            """
from ray.rllib.algorithms.ppo import PPOConfig

result = PPOConfig().build_algo().train()
print(f"mean {result['episode_reward_mean']:.2f}")
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

result = PPOConfig().build_algo().train()
print(f"mean {result['env_runners']['episode_return_mean']:.2f}")
""",
        ),
    ),
)
