"""The old `multiagent` dict: policy specs of four values, mapping functions of one argument.

decide_multi_agent   what becomes of the dict
mapping_fn           a policy mapping function with today's signature
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.literals import dict_entries
from rlmigrate.migrate.configs.policy_specs import read_policies
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext

SAME = frozenset(
    {"policies", "policy_map_capacity", "policies_to_train", "observation_fn", "count_steps_by"}
)
DROPPED = frozenset({"policy_map_cache", "replay_mode"})


def decide_multi_agent(
    context: FileContext, node: ast.expr, value: ast.expr, *, code: str, algorithm: str
) -> Decision:
    """Decide on the dict under "multiagent"."""

    def manual(message: str) -> Decision:
        return Decision(code, "multiagent", Outcome.MANUAL, message, node)

    entries = dict_entries(context, value)
    if entries is None:
        return manual("the multiagent dict is computed; set its keys with .multi_agent(...)")
    gains: list[Gain] = []
    imports, outcome = Imports(), Outcome.NATIVE
    for entry in entries:
        key = entry.key or ""
        if key == "policies":
            modules = read_policies(context, entry.value, algorithm=algorithm)
            if isinstance(modules, str):
                return manual(modules)
            if modules is not None:
                gains += modules.gains
                imports |= modules.imports
                outcome = modules.outcome
                continue
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
    return Decision(code, "multiagent", outcome, message, node, tuple(gains), imports)


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
