"""rollouts(), exploration() and build() get their new names."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find them in the builder calls of a file."""
    return builder_findings(context, "RLM404")


RULE = Rule(
    code="RLM404",
    name="config-method",
    kind=Kind.CONFIG,
    summary="rollouts(), exploration() and build() get their new names.",
    explanation="""
`rollouts()` and `exploration()` raise in today's Ray; `build()` warns.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "builder_of_another_library",
            """
import rllib_tools
from docker import image

image.build()
""",
        ),
    ),
    cases=(
        Case(
            "rollouts",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().rollouts(num_rollout_workers=2)
algo = config.build()
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().env_runners(num_env_runners=2)
algo = config.build_algo()
""",
        ),
    ),
)
