"""Config dicts that no call in sight takes: keys that only changed their names are renamed there.

RLlib still updates configs from dicts, and takes any key in silence, so an old name would have no
effect.

loose_findings   the renamed keys, the keys that need a person, and dicts that may stay as they are
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlmigrate.errors import SourceError
from rlmigrate.migrate.configs.dict_config import dict_findings
from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.configs.special import constant
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import FileContext, Finding
from rlmigrate.migrate.source import SourceFile, Span

CODE = "RLM409"

#: Keys that hardly any dict but RLlib's has.
STRONG = frozenset(
    {"num_workers", "num_envs_per_worker", "num_cpus_per_worker", "num_gpus_per_worker"}
    | {"rollout_fragment_length", "sgd_minibatch_size", "num_sgd_iter", "multiagent", "env_config"}
    | {"train_batch_size", "evaluation_num_workers", "evaluation_interval", "batch_mode"}
    | {"observation_filter", "num_cpus_for_driver", "num_rollout_workers", "custom_model_config"}
    | {"exploration_config", "policy_mapping_fn", "policies_to_train", "custom_model"}
    | {"custom_resources_per_worker", "evaluation_num_episodes", "evaluation_config"}
    | {"num_env_runners", "num_envs_per_env_runner"}
)
#: Of these, keys that data loaders and models of other libraries have too.
SHARED = frozenset({"num_workers", "batch_mode"})
NESTED = {
    "custom_model": "rl_module(rl_module_spec=RLModuleSpec(module_class=...))",
    "custom_model_config": "RLModuleSpec(model_config={...})",
    "policies": "multi_agent(policies=), with RLModules in a MultiRLModuleSpec",
    "policy_mapping_fn": "multi_agent(policy_mapping_fn=), a function of (agent_id, episode, **kw)",
    "multiagent": "multi_agent(...), with RLModules in a MultiRLModuleSpec",
    "model": "rl_module(...)",
    "exploration_config": "part of the RLModule's _forward_exploration()",
    "observation_filter": "env_runners(env_to_module_connector=)",
    "lr_schedule": "training(lr=), which takes the schedule",
    "entropy_coeff_schedule": "training(entropy_coeff=), which takes the schedule",
    "replay_buffer_config": "training(replay_buffer_config=) with a buffer of episodes",
    "remote_worker_envs": 'env_runners(gym_env_vectorize_mode="ASYNC")',
    "num_gpus": "learners(num_learners=, num_gpus_per_learner=1)",
    "framework": '"torch"',
    "_enable_new_api_stack": "the default",
}
#: Values of these at which nothing is to be done.
HARMLESS: dict[str, tuple[object, ...]] = {
    "exploration_config": ({}, None, {"type": "StochasticSampling"}),
    "observation_filter": ("NoFilter", None),
    "lr_schedule": (None,),
    "entropy_coeff_schedule": (None,),
    "num_gpus": (0,),
    "framework": ("torch", None),
    "remote_worker_envs": (False,),
    "model": ({},),
    "custom_model": (None, ""),
    "custom_model_config": ({},),
    "multiagent": ({},),
}
#: Keys that configs translate themselves when they are updated from a dict.
TRANSLATED = frozenset({"lambda", "num_workers", "num_cpus_for_driver"})


@dataclass(frozen=True)
class Key:
    """One key, where it stands, and its value."""

    name: str
    node: ast.Constant
    value: ast.expr | None


@dataclass(frozen=True)
class Loose:
    """A dict, or an assignment to one key."""

    node: ast.expr
    keys: tuple[Key, ...]


def loose_findings(context: FileContext) -> Iterable[Finding]:
    """Yield dicts and `config[...] = ...` with RLlib's keys that no other rule carries over."""
    if not any(key.encode() in context.source.raw for key in STRONG):
        return
    nodes = nodes_of(context)
    taken = [edit.span for finding in dict_findings(context) for edit in finding.edits if edit.text]
    for loose in (*_dicts(nodes), *_assignments(nodes)):
        span = context.source.span(loose.node)
        if not any(other.start <= span.start < other.end for other in taken):
            yield from _findings(context, loose)


def _findings(context: FileContext, loose: Loose) -> Iterator[Finding]:
    edits: list[Edit] = []
    renamed: list[str] = []
    left: list[Key] = []
    idle: list[str] = []
    names = {key.name for key in loose.keys}
    if isinstance(loose.node, ast.Dict):
        names |= {str(constant(key)) for key in loose.node.keys if key is not None}
    for key in loose.keys:
        new = _new_name(key)
        framework = constant(key.value) if key.name == "framework" and key.value else None
        if isinstance(framework, str) and framework.startswith("tf") and key.value is not None:
            edits.append(Edit(context.source.span(key.value), '"torch"', CODE))
            renamed.append('"framework" can only be "torch"')
            continue
        if new is not None and key.name != new:
            place = _written(context, key)
            if place is None or new in names or not _renames_everywhere(context, key.name):
                left.append(key)
            else:
                edits.append(Edit(place, new, CODE))
                renamed.append(f'"{key.name}" is "{new}" now')
        elif key.name in TRANSLATED:
            continue
        elif key.name == "vf_share_layers" and names & {"use_lstm", "custom_model"}:
            continue  # in the model's dict, where it belongs
        elif _needs_person(key):
            left.append(key)
        elif key.name in OLD:
            idle.append(key.name)
    if edits:
        text = "keys of a config dict: " + ", ".join(renamed)
        changed = [key.name for key in loose.keys if key not in left and key.name not in idle]
        yield Finding(_item(context, loose, changed, Outcome.NATIVE, text), tuple(edits))
    if left:
        told = [f'"{key.name}" {_became(key.name)}' for key in left[:8]]
        more = f", and {len(left) - 8} more" if len(left) > 8 else ""
        text = "config keys outside of a builder: " + ", ".join(told) + more
        names_left = [key.name for key in left]
        yield Finding(_item(context, loose, names_left, Outcome.MANUAL, text))
    elif not edits and idle:
        text = "the config may be updated from this dict as it is; without effect: "
        yield Finding(_item(context, loose, idle, Outcome.UNCHANGED, text + ", ".join(idle)))


def _new_name(key: Key) -> str | None:
    """What a key is called today, where the value and its meaning are the same."""
    if key.name == "num_gpus" and key.value is not None:  # one learner a GPU, of 1 at most
        value = constant(key.value)
        return None if value == 0 or (isinstance(value, int) and value > 1) else _GPUS
    now = OLD.get(key.name)
    if now is None or not now.name or "." in now.name or now.method == "rl_module":
        return None
    return None if key.name in TRANSLATED else now.name


_GPUS = "num_gpus_per_learner"


def _needs_person(key: Key) -> bool:
    if key.name in NESTED:
        value = constant(key.value) if key.value is not None else None
        return key.value is None or not any(value == good for good in HARMLESS.get(key.name, ()))
    now = OLD.get(key.name)
    if now is None:
        return False
    if now.name:
        return True
    value = constant(key.value) if key.value is not None else key
    return bool(now.only) and value not in now.only


def _written(context: FileContext, key: Key) -> Span | None:
    """The name between its quotes, where it is a plain string."""
    span = context.source.span(key.node)
    text = context.source.text[span.start : span.end]
    if text[:1] not in ("'", '"') or text[1:-1] != key.name:
        return None
    return Span(span.start + 1, span.end - 1)


def _renames_everywhere(context: FileContext, name: str) -> bool:
    """Tell whether no place of the repository knows a key but the dicts that are renamed too."""
    for path in context.index.files:
        own = path == context.source.path
        try:
            source = context.source if own else context.index.source_of(path)
            if name.encode() in source.raw and _knows(source, name):
                return False
        except SourceError:
            return False
    return True


def _knows(source: SourceFile, name: str) -> bool:
    nodes = Nodes(source)
    ours = {id(key.node) for loose in (*_dicts(nodes), *_assignments(nodes)) for key in loose.keys}
    return any(
        node.value == name and id(node) not in ours and not _in_builder(nodes, node)
        for node in nodes.of(ast.Constant)
    )


def _in_builder(nodes: Nodes, node: ast.Constant) -> bool:
    """Whether a string says nothing about a dict's key: it stands alone, or in a message."""
    parent = nodes.parents.get(node)
    return isinstance(parent, ast.Expr | ast.JoinedStr)


def _dicts(nodes: Nodes) -> Iterator[Loose]:
    """Outermost dicts with two keys of RLlib's, one of them its own."""
    outer: list[Span] = []
    for node in nodes.of(ast.Dict):
        keys = [
            Key(key.value, key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        ]
        known = [key for key in keys if key.name in STRONG or key.name in OLD or key.name in HOME]
        own = [key.name for key in keys if key.name in STRONG]
        if len(own) == 1 and own[0] in SHARED:
            continue
        if not own or (len(known) < 2 and own != ["custom_model"] and "multiagent" not in own):
            continue
        place = Span(node.lineno * 10_000 + node.col_offset, (node.end_lineno or 0) * 10_000)
        if any(other.start <= place.start <= other.end for other in outer):
            continue
        if _is_builder_argument(nodes, node):
            continue
        outer.append(place)
        found = tuple(k for k in keys if k.name in OLD or k.name in STRONG or k.name in NESTED)
        yield Loose(node, found)


def _is_builder_argument(nodes: Nodes, node: ast.expr) -> bool:
    """Values of the builder's own arguments, which other rules look at."""
    for around in nodes.up(node):
        if isinstance(around, ast.stmt):
            return False
        if isinstance(around, ast.keyword) and around.arg in BUILDER_ARGUMENTS:
            return True
    return False


BUILDER_ARGUMENTS = frozenset(
    {"model", "model_config", "evaluation_config", "env_config", "policies"}
)


def _assignments(nodes: Nodes) -> Iterator[Loose]:
    for item in nodes.of(ast.Subscript):
        key = item.slice
        if (
            isinstance(item.ctx, ast.Store)
            and isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and key.value in STRONG - SHARED
        ):
            parent = nodes.parents.get(item)
            value = parent.value if isinstance(parent, ast.Assign) else None
            yield Loose(item, (Key(key.value, key, value),))


def _item(
    context: FileContext, loose: Loose, keys: list[str], outcome: Outcome, message: str
) -> Item:
    return Item(
        path=str(context.source.path),
        line=loose.node.lineno,
        name=", ".join(keys[:3]) + (", ..." if len(keys) > 3 else ""),
        kind=Kind.CONFIG,
        outcome=outcome,
        code=CODE,
        message=message,
        column=loose.node.col_offset,
    )


def _became(key: str) -> str:
    if key in NESTED:
        return f"is {NESTED[key]} now"
    now = OLD.get(key)
    if now is not None:
        return f"is {now.method}({now.name}=) now" if now.name else f"is gone ({now.note})"
    return f"belongs to {HOME[key]}({key}=)" if key in HOME else "is gone"
