"""The model dict of a default net becomes a DefaultModelConfig."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find them in the builder calls of a file."""
    return builder_findings(context, "RLM402")


RULE = Rule(
    code="RLM402",
    name="model-dict",
    kind=Kind.CONFIG,
    summary="The model dict of a default net becomes a DefaultModelConfig.",
    explanation="""
A default net is configured with `rl_module(model_config=DefaultModelConfig(...))`. The keys that
mean the same are carried over; those at values that do nothing are dropped; a key without a
counterpart (attention, previous actions, image scaling) leaves the dict to a person, since the net
would be another one. Initial weights differ: the old stack drew them with normc, torch does not.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "computed_dict",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().training(lr=0.1)
""",
        ),
    ),
    cases=(
        Case(
            "hidden_layers",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().training(lr=0.1, model={"fcnet_hiddens": [64], "framestack": True})
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

config = PPOConfig().training(lr=0.1).rl_module(
    model_config=DefaultModelConfig(fcnet_hiddens=[64], vf_share_layers=False),
)
""",
        ),
    ),
)
