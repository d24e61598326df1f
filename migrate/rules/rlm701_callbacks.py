"""Callbacks take the arguments of the new stack and log metrics with its logger."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.source import Span

CODE = "RLM701"
EPISODE = frozenset({"on_episode_created", "on_episode_start", "on_episode_step", "on_episode_end"})
ARGUMENTS = {"worker": "env_runner", "base_env": "env", "policies": "rl_module"}
GONE = {
    "on_postprocess_trajectory": "write a learner connector (config.learners(learner_connector=))",
    "on_learn_on_batch": "write a learner connector (config.learners(learner_connector=))",
    "on_create_policy": "the new stack has no policies; see MultiRLModule.add_module()",
    "on_sub_environment_created": "use on_environment_created(env_runner=, env=, env_context=)",
    "on_workers_recreated": "use on_env_runners_recreated(env_runner_group=)",
}
MEMBERS = {
    "length": "len(episode)",
    "total_reward": "episode.get_return()",
    "episode_id": "episode.id_",
}


@dataclass
class _Method:
    """What one method needs; `problems` leave it to a person."""

    edits: list[Edit] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    logs: bool = False


def check(context: FileContext) -> Iterable[Finding]:
    """Find the methods of callback classes."""
    entry = context.index.files.get(context.source.path)
    if entry is None or b"def on_" not in context.source.raw:
        return
    lines = {
        found.line
        for found in entry.classes
        if context.index.legacy_kind(found.qualified) == "callback"
    }
    nodes = nodes_of(context)
    for node in nodes.of(ast.ClassDef):
        if node.lineno not in lines:
            continue
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name.startswith("on_"):
                finding = _finding(context, nodes, node, method)
                if finding is not None:
                    yield finding


def _finding(
    context: FileContext, nodes: Nodes, owner: ast.ClassDef, method: ast.FunctionDef
) -> Finding | None:
    def item(outcome: Outcome, message: str) -> Item:
        return Item(
            path=str(context.source.path),
            line=method.lineno,
            name=f"{owner.name}.{method.name}",
            kind=Kind.CALLBACK,
            outcome=outcome,
            code=CODE,
            message=message,
            column=method.col_offset,
        )

    if method.name in GONE:
        return Finding(item(Outcome.MANUAL, f"{method.name} is gone: {GONE[method.name]}"))
    if method.name in EPISODE:
        made = _episode(context, nodes, method)
    elif any(arg.arg == "trainer" for arg in _arguments(method)):
        made = _trainer(context, nodes, method)
    else:
        return None
    if made.problems:
        return Finding(item(Outcome.MANUAL, "; ".join(dict.fromkeys(made.problems))))
    if not made.edits:
        return None
    message = "takes the new stack's arguments" + (
        ", logs with metrics_logger" if made.logs else ""
    )
    return Finding(item(Outcome.NATIVE, message), tuple(made.edits))


def _arguments(method: ast.FunctionDef) -> list[ast.arg]:
    args = method.args
    return [*args.posonlyargs, *args.args, *args.kwonlyargs]


def _trainer(context: FileContext, nodes: Nodes, method: ast.FunctionDef) -> _Method:
    """`trainer` became `algorithm` in Ray 2.0."""
    made = _Method()
    for arg in _arguments(method):
        if arg.arg == "trainer":
            made.edits.append(Edit(context.source.span(arg), "algorithm", CODE))
    for name in _names(nodes, method, "trainer"):
        made.edits.append(Edit(context.source.span(name), "algorithm", CODE))
    return made


def _episode(context: FileContext, nodes: Nodes, method: ast.FunctionDef) -> _Method:
    made = _Method()
    given = {arg.arg: arg for arg in _arguments(method)}
    if "info" in given and len(given) == 2:
        made.problems.append("takes the info dict of Ray 0.8: write it with today's arguments")
        return made
    old = [name for name in ARGUMENTS if name in given]
    for name in old:
        uses = list(_names(nodes, method, name))
        if uses:
            made.problems.append(
                f"{name} is used: it is {ARGUMENTS[name]} now, with members of its own"
            )
        made.edits.append(_plain(context, method, given[name], ARGUMENTS[name]))
    for use in _names(nodes, method, "episode"):
        _member(context, nodes, made, use)
    episode = given.get("episode")
    if episode is not None and episode.annotation is not None and (old or made.edits):
        made.edits.append(_plain(context, method, episode, "episode"))
    more = ["metrics_logger"] if made.logs and "metrics_logger" not in given else []
    if method.args.kwarg is None and (made.edits or more):
        more.append("**kwargs")
    if more and not made.problems:
        _add(context, method, more, made)
    return made


def _plain(context: FileContext, method: ast.FunctionDef, arg: ast.arg, name: str) -> Edit:
    """Rename a parameter and drop its annotation, which names a class of the old stack."""
    span = context.source.span(arg)
    args = method.args
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    defaults = {id(one): default for one, default in pairs if default is not None}
    positional = [*args.posonlyargs, *args.args]
    defaults |= {
        id(one): default
        for one, default in zip(reversed(positional), reversed(args.defaults), strict=False)
    }
    default = defaults.get(id(arg))
    if default is None or arg.annotation is None:
        return Edit(span, name, CODE)
    return Edit(Span(span.start, context.source.span(default).start), f"{name}=", CODE)


def _member(context: FileContext, nodes: Nodes, made: _Method, name: ast.Name) -> None:
    """One use of the episode."""
    source = context.source
    parent = nodes.parents[name]
    if not isinstance(parent, ast.Attribute):
        return
    member = parent.attr
    outer = nodes.parents[parent]
    if member in MEMBERS:
        if isinstance(parent.ctx, ast.Load):
            made.edits.append(Edit(source.span(parent), MEMBERS[member], CODE))
    elif member == "user_data":
        end = source.span(parent).end
        made.edits.append(Edit(Span(end - len(member), end), "custom_data", CODE))
    elif member == "custom_metrics":
        statement = nodes.parents.get(outer)
        if (
            isinstance(outer, ast.Subscript)
            and isinstance(outer.ctx, ast.Store)
            and isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
        ):
            made.logs = True
            head = Span(source.span(statement).start, source.span(statement.value).start)
            key = source.segment(outer.slice)
            made.edits.append(Edit(head, f"metrics_logger.log_value({key}, ", CODE))
            end = source.span(statement).end
            made.edits.append(Edit(Span(end, end), ")", CODE))
        else:
            made.problems.append(
                "custom_metrics is not only set: log with "
                "metrics_logger.log_value(key, value), read with metrics_logger.peek(key)"
            )
    elif member in _CHANGED:
        made.problems.append(f"episode.{member}: {_CHANGED[member]}")


_CHANGED = {
    "hist_data": "log with metrics_logger.log_value(key, value, reduce=None, clear_on_reduce=True)",
    "media": "log with metrics_logger.log_value(key, value)",
    "agent_rewards": "use episode.get_rewards()",
    "last_info_for": "use episode.get_infos(-1)",
    "last_observation_for": "use episode.get_observations(-1)",
    "last_raw_obs_for": "use episode.get_observations(-1)",
    "last_action_for": "use episode.get_actions(-1)",
    "last_reward_for": "use episode.get_rewards(-1)",
    "prev_action_for": "use episode.get_actions(-2)",
    "last_pi_info": "use episode.get_extra_model_outputs(key, -1)",
    "last_extra_action_outs_for": "use episode.get_extra_model_outputs(key, -1)",
    "policy_for": "use episode.module_for(agent_id)",
    "policy_map": "use rl_module",
    "rnn_state_for": "use episode.get_extra_model_outputs('state_out', -1)",
    "batch_builder": "write a connector",
    "add_extra_batch": "write a connector",
    "worker": "use env_runner",
    "_agent_reward_history": "use episode.get_rewards()",
    "_agent_to_last_info": "use episode.get_infos(-1)",
    "_last_infos": "use episode.get_infos(-1)",
    "get_agents": "use episode.agent_ids",
}


def _add(context: FileContext, method: ast.FunctionDef, names: list[str], made: _Method) -> None:
    """Add parameters behind the last one, before `**kwargs`."""
    source = context.source
    args = _arguments(method)
    last = source.span(args[-1]).end
    text = ", ".join(names)
    starred = method.args.vararg is not None or method.args.kwonlyargs
    if not starred and names[0] != "**kwargs":
        text = f"*, {text}"
    made.edits = [
        Edit(edit.span, f"{edit.text}, {text}", CODE) if edit.span.end == last else edit
        for edit in made.edits
    ]
    if not any(edit.span.end == last for edit in made.edits):
        made.edits.append(Edit(Span(last, last), f", {text}", CODE))


def _names(nodes: Nodes, method: ast.FunctionDef, name: str) -> Iterator[ast.Name]:
    for node in nodes.of(ast.Name):
        if node.id == name and method in nodes.up(node):
            yield node


RULE = Rule(
    code=CODE,
    name="callbacks",
    kind=Kind.CALLBACK,
    summary="Callbacks take the arguments of the new stack and log metrics with its logger.",
    explanation="""
Env runners call the callbacks with `episode`, `env_runner`, `metrics_logger`, `env`, `env_index`
and `rl_module`; a required `worker` is a TypeError. `episode.custom_metrics` is gone: metrics are
logged with `metrics_logger.log_value`. Methods that use what the new stack lacks are marked with
what takes its place.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/rllib-callback.html",
    unchanged=(
        Case(
            "callbacks_of_another_library",
            """
import ray.rllib
from keras.callbacks import Callback


class Log(Callback):
    def on_episode_end(self, worker, episode):
        episode.custom_metrics["x"] = 1
""",
        ),
        Case(
            "arguments_of_today",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_end(self, *, episode, metrics_logger, **kwargs):
        metrics_logger.log_value("x", len(episode))
""",
        ),
    ),
    cases=(
        Case(
            "custom_metrics",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, worker, base_env, policies, episode, env_index, **kwargs):
        episode.user_data["angles"] = []

    def on_episode_end(self, *, worker, episode, env_index, **kwargs):
        episode.custom_metrics["angle"] = sum(episode.user_data["angles"]) / episode.length
""",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, env_runner, env, rl_module, episode, env_index, **kwargs):
        episode.custom_data["angles"] = []

    def on_episode_end(self, *, env_runner, episode, env_index, metrics_logger, **kwargs):
        metrics_logger.log_value("angle", sum(episode.custom_data["angles"]) / len(episode))
""",
        ),
    ),
)
