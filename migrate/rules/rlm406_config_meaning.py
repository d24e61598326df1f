"""Arguments whose meaning changed become what they mean today."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find them in the builder calls of a file."""
    return builder_findings(context, "RLM406")


RULE = Rule(
    code="RLM406",
    name="config-meaning",
    kind=Kind.CONFIG,
    summary="Arguments whose meaning changed become what they mean today.",
    explanation="""
Some arguments survive under their name and do something else, or nothing. GPUs of the driver
belong to learners now; observation filters are connectors; exploration objects are gone, as
modules explore themselves; only torch is left.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "torch_stays",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().framework("torch")
""",
        ),
    ),
    cases=(
        Case(
            "epsilon_greedy",
            """
from ray.rllib.algorithms.dqn import DQNConfig

config = DQNConfig().env_runners(
    exploration_config={"type": "EpsilonGreedy", "epsilon_timesteps": 5000},
)
""",
            """
from ray.rllib.algorithms.dqn import DQNConfig

config = DQNConfig().training(epsilon=[(0, 1.0), (5000, 0.05)])
""",
        ),
    ),
)
