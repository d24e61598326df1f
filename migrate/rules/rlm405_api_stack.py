"""Switches between the stacks are dropped: the new one is the default."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find them in the builder calls of a file."""
    return builder_findings(context, "RLM405")


RULE = Rule(
    code="RLM405",
    name="api-stack",
    kind=Kind.CONFIG,
    summary="Switches between the stacks are dropped: the new one is the default.",
    explanation="""
Ray 2.40 made the new stack the default. `_enable_rl_module_api`, `_enable_learner_api`,
`_enable_new_api_stack` and `api_stack(...)` switched it on or off before; the old names raise, and
switching only half of it on raises too.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "no_switch",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().environment("CartPole-v1")
""",
        ),
    ),
    cases=(
        Case(
            "experimental_switch",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().experimental(_enable_new_api_stack=True).environment("CartPole-v1")
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().environment("CartPole-v1")
""",
        ),
    ),
)
