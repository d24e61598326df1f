"""The old `multiagent` dict: policy specs of four values, mapping functions of one argument.

decide_multi_agent   what becomes of the dict
mapping_fn           a policy mapping function with today's signature
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.literals import dict_entries
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext

SAME = frozenset(
    {"policies", "policy_map_capacity", "policies_to_train", "observation_fn", "count_steps_by"}
)
DROPPED = frozenset({"policy_map_cache", "replay_mode"})


def decide_multi_agent(
    context: FileContext, node: ast.expr, value: ast.expr, *, code: str
) -> Decision:
    """Decide on the dict under "multiagent"."""

    def manual(message: str) -> Decision:
        return Decision(code, "multiagent", Outcome.MANUAL, message, node)

    entries = dict_entries(context, value)
    if entries is None:
        return manual("the multiagent dict is computed; set its keys with .multi_agent(...)")
    gains: list[Gain] = []
    for entry in entries:
        key = entry.key or ""
        if key == "policies":
            problem = policy_problem(context, entry.value)
            if problem is not None:
                return manual(problem)
        if key == "policy_mapping_fn":
            text = mapping_fn(context, entry.value)
            if text is None:
                return manual(
                    "the policy mapping function takes (agent_id, episode, **kwargs) now; "
                    "give it that signature, then use .multi_agent(policy_mapping_fn=...)"
                )
            gains.append(Gain("multi_agent", key, text))
        elif key in SAME:
            gains.append(Gain("multi_agent", key, context.source.segment(entry.value)))
        elif key not in DROPPED:
            return manual(f'"{key}" of the multiagent dict has no counterpart')
    message = '"multiagent" becomes multi_agent(...)'
    return Decision(code, "multiagent", Outcome.NATIVE, message, node, tuple(gains))


def policy_problem(context: FileContext, value: ast.expr) -> str | None:
    """Say why policy specs cannot be taken over: a policy class or a config of its own."""
    entries = dict_entries(context, value)
    if entries is None:
        return None  # names, sets and comprehensions are looked at by Ray itself
    for entry in entries:
        spec = entry.value
        if not (isinstance(spec, ast.Tuple) and len(spec.elts) == 4):
            continue
        policy, _, _, config = spec.elts
        if not (isinstance(policy, ast.Constant) and policy.value is None):
            return (
                f"policy {entry.key!r} has a class of its own: write it as an RLModule in a "
                "MultiRLModuleSpec"
            )
        own = dict_entries(context, config)
        if own is None or any(inner.key in ("model", "custom_model") for inner in own):
            return (
                f"policy {entry.key!r} has a config of its own: give its module in a "
                "MultiRLModuleSpec, the rest in algorithm_config_overrides_per_module"
            )
    return None


def mapping_fn(context: FileContext, value: ast.expr) -> str | None:
    """Return the text of a mapping function that takes (agent_id, episode, **kwargs).

    None where it is not certain that it does or can be made to.
    """
    text = context.source.segment(value)
    if isinstance(value, ast.Lambda):
        return _widened(context, value)
    if isinstance(value, ast.Name):
        nodes = nodes_of(context)
        bound = nodes.bindings(value.id, nodes.scope(value)) or nodes.bindings(value.id, nodes.tree)
        if len(bound) == 1 and isinstance(bound[0], ast.FunctionDef):
            return text if takes_more(bound[0].args) else _wrapped(text)
        if len(bound) == 1 and isinstance(bound[0], ast.Assign):
            made = bound[0].value
            if isinstance(made, ast.Lambda):
                return text if takes_more(made.args) else _wrapped(text)
        return None
    return None


def _wrapped(text: str) -> str:
    return f"lambda agent_id, *args, **kwargs: {text}(agent_id)"


def _widened(context: FileContext, value: ast.Lambda) -> str:
    if takes_more(value.args):
        return context.source.segment(value)
    name = value.args.args[0].arg if value.args.args else "agent_id"
    return f"lambda {name}, *args, **kwargs: {context.source.segment(value.body)}"


def takes_more(args: ast.arguments) -> bool:
    """Tell whether a mapping function takes an episode and keywords beside the agent."""
    positional = len(args.posonlyargs) + len(args.args)
    return (positional >= 2 or args.vararg is not None) and args.kwarg is not None
