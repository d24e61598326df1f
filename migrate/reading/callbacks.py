"""What the methods of callback classes use of the old stack, and what takes its place.

EPISODE         methods that env runners call, with the arguments that were renamed
Method          what one method needs; problems leave it to a person
read_method     read the arguments and the body of a method
read_trainer    the same, for methods of the algorithm
arguments       a method's arguments
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.callback_envs import environments
from rlmigrate.migrate.reading.episode_metrics import LOGGED, logged
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM701"
EPISODE = frozenset(
    {"on_episode_created", "on_episode_start", "on_episode_step", "on_episode_end"}
    | {"on_sample_end"}
)
ARGUMENTS = {"worker": "env_runner", "base_env": "env", "policies": "rl_module"}
MEMBERS = {
    "length": "len(episode)",
    "total_reward": "episode.get_return()",
    "episode_id": "episode.id_",
}
#: Of a worker: members that env runners have too, with today's name.
OF_WORKER = {"config": "config", "policy_config": "config", "worker_index": "worker_index"}
#: Calls without arguments, which are about the only agent.
LAST = {"last_info_for": "get_infos(-1)", "last_reward_for": "get_rewards(-1)"}


@dataclass
class Method:
    """What one method needs; `problems` leave it to a person."""

    edits: list[Edit] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    logs: bool = False
    unneeded: set[str] = field(default_factory=set)  # classes that annotations named


def read_trainer(context: FileContext, nodes: Nodes, method: ast.FunctionDef) -> Method:
    """`trainer` became `algorithm` in Ray 2.0."""
    made = Method()
    for arg in arguments(method):
        if arg.arg == "trainer":
            made.edits.append(Edit(context.source.span(arg), "algorithm", CODE))
    for name in _names(nodes, method, "trainer"):
        made.edits.append(Edit(context.source.span(name), "algorithm", CODE))
    if method.name == "on_trainer_init":
        start = context.source.text.index(method.name, context.source.span(method).start)
        made.edits.append(Edit(Span(start, start + len(method.name)), "on_algorithm_init", CODE))
    return made


def read_method(context: FileContext, nodes: Nodes, method: ast.FunctionDef) -> Method:
    """Return the edits for a method that env runners call, or what stands in their way."""
    made = Method()
    given = {arg.arg: arg for arg in arguments(method)}
    if "info" in given and len(given) == 2:
        made.problems.append("takes the info dict of Ray 0.8: write it with today's arguments")
        return made
    both = [name for name in ARGUMENTS if name in given and ARGUMENTS[name] in given]
    made.problems += [
        f"takes {name} beside {ARGUMENTS[name]}: drop {name}"
        for name in both
        if given[name] in _without_default(method)
    ]
    old = [name for name in ARGUMENTS if name in given and name not in both]
    if "base_env" in old and _env_is_taken(nodes, method):
        made.problems.append("base_env is env now, and env is another name in it: rename that")
    for name in old:
        for use in _names(nodes, method, name):
            _used(context, nodes, method, made, use)
        made.edits.append(_plain(context, method, given[name], ARGUMENTS[name], made))
    for use in _names(nodes, method, "samples") if {"samples", "worker"} <= given.keys() else ():
        _samples(context, nodes, made, use)
    for use in _names(nodes, method, "episode"):
        _member(context, nodes, method, made, use)
    episode = given.get("episode")
    if episode is not None and episode.annotation is not None and (old or made.edits):
        made.edits.append(_plain(context, method, episode, "episode", made))
    more = ["metrics_logger"] if made.logs and "metrics_logger" not in given else []
    if method.args.kwarg is None and (made.edits or more):
        more.append("**kwargs")
    if more and not made.problems:
        _add(context, method, more, made)
    return made


def _env_is_taken(nodes: Nodes, method: ast.FunctionDef) -> bool:
    """Whether `env` is bound where `base_env` is still used: only the last use may bind it."""
    bound = [name for name in _names(nodes, method, "env") if not isinstance(name.ctx, ast.Load)]
    uses = list(_names(nodes, method, "base_env"))
    if not bound or not uses:
        return False
    first = nodes.statement(bound[0])
    looped = any(isinstance(up, ast.While | ast.For) for up in nodes.up(bound[0]))
    last = nodes.statement(uses[-1])
    if isinstance(first, ast.For):
        return len(uses) > 1 or last is not first
    return (
        looped
        or not isinstance(first, ast.Assign)
        or (last is not first and uses[-1].lineno >= first.lineno)
    )


def _without_default(method: ast.FunctionDef) -> list[ast.arg]:
    """Parameters that a caller must give; one with a default may stay for older releases."""
    args = method.args
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    positional = [*args.posonlyargs, *args.args]
    needed = positional[: len(positional) - len(args.defaults)]
    return [*needed, *(arg for arg, default in pairs if default is None)]


def _plain(
    context: FileContext, method: ast.FunctionDef, arg: ast.arg, name: str, made: Method
) -> Edit:
    """Rename a parameter and drop its annotation, which names a class of the old stack."""
    imports = context.index.files[context.source.path].imports
    for node in nodes_in(arg.annotation) if arg.annotation is not None else ():
        qualified = imports.qualified(node) if isinstance(node, ast.Name | ast.Attribute) else None
        if qualified is not None and qualified.startswith("ray."):
            made.unneeded.add(qualified)
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


def _used(
    context: FileContext, nodes: Nodes, method: ast.FunctionDef, made: Method, use: ast.Name
) -> None:
    """One use of the worker, the environments or the policies."""
    source, new = context.source, ARGUMENTS[use.id]
    parent = nodes.parents[use]
    call = nodes.parents.get(parent)
    if isinstance(parent, ast.keyword) and parent.arg == use.id and _of_super(call):
        made.edits.append(Edit(source.span(parent), f"{new}={new}", CODE))
        return
    if isinstance(parent, ast.Attribute) and isinstance(parent.ctx, ast.Load):
        if use.id == "worker" and parent.attr in OF_WORKER:
            text = f"{new}.{OF_WORKER[parent.attr]}"
            made.edits.append(Edit(source.span(parent), text, CODE))
            return
        found = environments(context, nodes, method, use)
        if found is not None:
            made.edits += found
            return
    hint = ", whose env.unwrapped.envs are the single ones" if use.id == "base_env" else ""
    made.problems.append(f"{use.id} is used: it is {new} now, with members of its own{hint}")


def _of_super(call: ast.AST | None) -> bool:
    """Whether a call is `super().on_...(...)`."""
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr.startswith("on_")
        and isinstance(call.func.value, ast.Call)
        and isinstance(call.func.value.func, ast.Name)
        and call.func.value.func.id == "super"
    )


def _samples(context: FileContext, nodes: Nodes, made: Method, use: ast.Name) -> None:
    """A batch became a list of episodes."""
    parent = nodes.parents[use]
    if isinstance(parent, ast.Attribute) and parent.attr == "count":
        text = "sum(len(episode) for episode in samples)"
        made.edits.append(Edit(context.source.span(parent), text, CODE))
    elif not (isinstance(parent, ast.keyword) and _of_super(nodes.parents.get(parent))):
        made.problems.append("samples is a list of episodes now")


def _member(
    context: FileContext, nodes: Nodes, method: ast.FunctionDef, made: Method, name: ast.Name
) -> None:
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
    elif member in LOGGED:
        log = logged(context, nodes, method, parent)
        made.logs = made.logs or (log.logs and not log.problem)
        made.edits += log.edits
        made.problems += [log.problem] if log.problem else []
    elif member in LAST and isinstance(outer, ast.Call) and not outer.args and not outer.keywords:
        made.edits.append(Edit(source.span(outer), f"episode.{LAST[member]}", CODE))
    elif member in _CHANGED:
        made.problems.append(f"episode.{member}: {_CHANGED[member]}")


#: Of one agent of several: its own episode, with the members of a single agent's.
_ONE = "use episode.{now} of a single agent, episode.agent_episodes[agent_id].{now} of several"
_CHANGED = {
    "agent_rewards": "episode.get_return() is a single agent's; of several: {agent_id: "
    "each.get_return() for agent_id, each in episode.agent_episodes.items()}",
    "last_info_for": _ONE.format(now="get_infos(-1)"),
    "last_observation_for": _ONE.format(now="get_observations(-1)"),
    "last_raw_obs_for": _ONE.format(now="get_observations(-1)"),
    "last_action_for": _ONE.format(now="get_actions(-1)"),
    "last_reward_for": _ONE.format(now="get_rewards(-1)"),
    "prev_action_for": _ONE.format(now="get_actions(-2)"),
    "last_pi_info": _ONE.format(now="get_extra_model_outputs(key, -1)"),
    "last_extra_action_outs_for": _ONE.format(now="get_extra_model_outputs(key, -1)"),
    "policy_for": "use episode.module_for(agent_id)",
    "policy_map": "use rl_module",
    "rnn_state_for": _ONE.format(now='get_extra_model_outputs("state_out", -1)'),
    "batch_builder": "write a connector",
    "add_extra_batch": "write a connector",
    "worker": "use env_runner",
    "_agent_reward_history": _ONE.format(now="get_rewards()"),
    "_agent_to_last_info": _ONE.format(now="get_infos(-1)"),
    "_last_infos": _ONE.format(now="get_infos(-1)"),
    "get_agents": "use episode.agent_ids",
}


def _add(context: FileContext, method: ast.FunctionDef, names: list[str], made: Method) -> None:
    """Add parameters behind the last one, before `**kwargs`."""
    source = context.source
    args = arguments(method)
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


def arguments(method: ast.FunctionDef) -> list[ast.arg]:
    """Return a method's named arguments in order."""
    args = method.args
    return [*args.posonlyargs, *args.args, *args.kwonlyargs]


def _names(nodes: Nodes, method: ast.FunctionDef, name: str) -> Iterator[ast.Name]:
    for node in nodes.of(ast.Name):
        if node.id == name and method in nodes.up(node):
            yield node
