"""Config dicts that no call in sight takes: listed, so that silence is not mistaken for success.

loose_findings   one item a dict or assignment, with what its keys became
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.configs.dict_config import dict_findings
from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import FileContext, Finding
from rlmigrate.migrate.source import Span

CODE = "RLM409"

#: Keys that hardly any dict but RLlib's has.
STRONG = frozenset(
    {"num_workers", "num_envs_per_worker", "num_cpus_per_worker", "num_gpus_per_worker"}
    | {"rollout_fragment_length", "sgd_minibatch_size", "num_sgd_iter", "multiagent", "env_config"}
    | {"train_batch_size", "evaluation_num_workers", "evaluation_interval", "batch_mode"}
    | {"observation_filter", "num_cpus_for_driver", "num_rollout_workers", "custom_model_config"}
    | {"exploration_config", "policy_mapping_fn", "policies_to_train", "custom_model"}
    | {"custom_resources_per_worker", "evaluation_num_episodes", "evaluation_config"}
)
#: Of these, keys that data loaders and models of other libraries have too.
SHARED = frozenset({"num_workers", "batch_mode"})
NESTED = {
    "custom_model": "rl_module(rl_module_spec=RLModuleSpec(module_class=...))",
    "custom_model_config": "RLModuleSpec(model_config={...})",
    "policies": "multi_agent(policies=)",
    "policy_mapping_fn": "multi_agent(policy_mapping_fn=)",
    "policies_to_train": "multi_agent(policies_to_train=)",
    "multiagent": "multi_agent(...)",
    "model": "rl_module(...)",
    "env": "environment()",
    "callbacks": "callbacks()",
}


def loose_findings(context: FileContext) -> Iterable[Finding]:
    """Yield dicts and `config[...] = ...` with RLlib's keys that no other rule carries over."""
    if not any(key.encode() in context.source.raw for key in STRONG):
        return
    nodes = nodes_of(context)
    taken = [edit.span for finding in dict_findings(context) for edit in finding.edits if edit.text]
    for node, keys in _dicts(nodes):
        span = context.source.span(node)
        if any(other.start <= span.start < other.end for other in taken):
            continue
        yield _finding(context, node, keys)
    for item, key in _assignments(nodes):
        span = context.source.span(item)
        if not any(other.start <= span.start < other.end for other in taken):
            yield _finding(context, item, [key])


def _dicts(nodes: Nodes) -> Iterator[tuple[ast.expr, list[str]]]:
    """Outermost dicts with two keys of RLlib's, one of them its own."""
    outer: list[Span] = []
    for node in nodes.of(ast.Dict):
        keys = [
            key.value
            for key in node.keys
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        ]
        known = [key for key in keys if key in STRONG or key in OLD or key in HOME]
        own = [key for key in keys if key in STRONG]
        if len(own) == 1 and own[0] in SHARED:
            continue
        if not own or (len(known) < 2 and own != ["custom_model"] and "multiagent" not in own):
            continue
        place = Span(node.lineno * 10_000 + node.col_offset, (node.end_lineno or 0) * 10_000)
        if any(other.start <= place.start <= other.end for other in outer):
            continue
        if isinstance(nodes.parents.get(node), ast.keyword) and _is_builder_argument(nodes, node):
            continue
        outer.append(place)
        yield node, [key for key in known if key in OLD or key in STRONG or key in NESTED]


def _is_builder_argument(nodes: Nodes, node: ast.expr) -> bool:
    """Values of the builder's own arguments, which other rules look at."""
    keyword = nodes.parents[node]
    return isinstance(keyword, ast.keyword) and keyword.arg in (
        "model",
        "model_config",
        "evaluation_config",
        "env_config",
    )


def _assignments(nodes: Nodes) -> Iterator[tuple[ast.Subscript, str]]:
    for item in nodes.of(ast.Subscript):
        key = item.slice
        if (
            isinstance(item.ctx, ast.Store)
            and isinstance(key, ast.Constant)
            and key.value in STRONG
        ):
            yield item, str(key.value)


def _finding(context: FileContext, node: ast.expr, keys: list[str]) -> Finding:
    told = [f'"{key}" {_became(key)}' for key in keys[:8]]
    more = f", and {len(keys) - 8} more" if len(keys) > 8 else ""
    item = Item(
        path=str(context.source.path),
        line=node.lineno,
        name=", ".join(keys[:3]) + (", ..." if len(keys) > 3 else ""),
        kind=Kind.CONFIG,
        outcome=Outcome.MANUAL,
        code=CODE,
        message="config keys outside of a builder: " + ", ".join(told) + more,
        column=node.col_offset,
    )
    return Finding(item)


def _became(key: str) -> str:
    if key in NESTED:
        return f"is {NESTED[key]} now"
    now = OLD.get(key)
    if now is not None:
        return f"is {now.method}({now.name}=) now" if now.name else f"is gone ({now.note})"
    return f"belongs to {HOME[key]}({key}=)" if key in HOME else "is gone"
