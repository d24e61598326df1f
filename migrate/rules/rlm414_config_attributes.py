"""Attributes of a config that are set or read get the names of today."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.configs.loose import HARMLESS
from rlmigrate.migrate.configs.loose_dicts import NESTED
from rlmigrate.migrate.configs.multi_agent_loose import KEYS, settle
from rlmigrate.migrate.configs.special import constant
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import attribute_span, item

CODE = "RLM414"

#: Attributes whose setting is another one today, or another call.
OTHER = NESTED.keys() - {"framework", "_enable_new_api_stack"}
WANTED = frozenset(OLD.keys() | OTHER | KEYS)


def check(context: FileContext) -> Iterable[Finding]:
    """Find `config.name = value` and `config.name` on configs of RLlib."""
    nodes, builders = nodes_of(context), builders_of(context)
    for node in nodes.attributes(*WANTED):
        called = nodes.parents.get(node)
        if isinstance(called, ast.Call) and called.func is node:
            continue
        if builders.config(node.value) is None:
            continue
        value = called.value if isinstance(called, ast.Assign) else None
        if isinstance(node.ctx, ast.Load):
            value = None
        finding = _finding(context, node, value)
        if finding is not None:
            yield finding


def _finding(context: FileContext, node: ast.Attribute, value: ast.expr | None) -> Finding | None:
    name = node.attr
    if name in KEYS:
        settled = settle(context, name, value) if value is not None else None
        if settled is None or (settled.problem is None and not settled.edits):
            return None
        if settled.problem is not None:
            return _told(context, node, Outcome.MANUAL, f"{name}: {settled.problem}")
        text = "policy_mapping_fn takes (agent_id, episode, **kwargs) now"
        return _told(context, node, Outcome.NATIVE, text, settled.edits)
    now = OLD.get(name)
    if now is not None and now.name and "." not in now.name and now.name in HOME:
        edit = Edit(attribute_span(context.source, node), now.name, CODE)
        return _told(context, node, Outcome.NATIVE, f"{name} is {now.name} now", (edit,))
    if value is None:
        return None
    given = constant(value)
    if name in NESTED:
        if any(given == good for good in HARMLESS.get(name, ())):
            return None
        return _told(context, node, Outcome.MANUAL, f"{name} is {NESTED[name]} now: call that")
    if now is not None and not now.name and now.only and given not in now.only:
        return _told(context, node, Outcome.MANUAL, f"{name} is gone: {now.note}")
    return None


def _told(
    context: FileContext,
    node: ast.Attribute,
    outcome: Outcome,
    text: str,
    edits: tuple[Edit, ...] = (),
) -> Finding:
    found = item(
        context,
        node,
        code=CODE,
        name=f"config.{node.attr}",
        kind=Kind.CONFIG,
        outcome=outcome,
        message=text,
    )
    return Finding(found, edits)


RULE = Rule(
    code=CODE,
    name="config-attributes",
    kind=Kind.CONFIG,
    summary="Attributes of a config that are set or read get the names of today.",
    explanation="""
A config takes any attribute in silence, so `config.num_rollout_workers = 4` would set a name that
nothing reads. Attributes that only changed their names are renamed; for others the item names the
call that says the same.
""",
    check=check,
    since="2.5",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "attributes_of_another_object",
            """
import ray.rllib


class Settings:
    pass


settings = Settings()
settings.num_rollout_workers = 4
settings.model = {}
""",
        ),
        Case(
            "attributes_of_today",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
config.num_epochs = 3
config.policies = {"a", "b"}
""",
        ),
    ),
    cases=(
        Case(
            "renamed",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
config.num_rollout_workers = 4
config.policy_mapping_fn = lambda agent: "a"
print(config.num_sgd_iter)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
config.num_env_runners = 4
config.policy_mapping_fn = lambda agent, *args, **kwargs: "a"
print(config.num_epochs)
""",
        ),
        Case(
            "said_by_a_call_today",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
config.observation_filter = "MeanStdFilter"
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
# TODO(rlmigrate RLM414): observation_filter is env_runners(env_to_module_connector=) now: call
#     that
config.observation_filter = "MeanStdFilter"
""",
        ),
    ),
)
