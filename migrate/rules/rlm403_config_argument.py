"""Arguments of the config builder get their new names and places."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find them in the builder calls of a file."""
    return builder_findings(context, "RLM403")


RULE = Rule(
    code="RLM403",
    name="config-argument",
    kind=Kind.CONFIG,
    summary="Arguments of the config builder get their new names and places.",
    explanation="""
Arguments were renamed (workers are env runners, SGD iterations are epochs) and moved between
methods (resources of workers to `env_runners()`, of learners to `learners()`, failures to
`fault_tolerance()`). Those that nothing reads any more are dropped. Some of the old names raise in
today's Ray, some only warn, `sgd_minibatch_size` is a plain TypeError.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "same_name_on_another_object",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().training(lr=0.1)
pool.resources(num_gpus_per_worker=1)
""",
        ),
    ),
    cases=(
        Case(
            "config_bound_to_what_its_methods_return",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
config = config.training(num_sgd_iter=3)
config = config.rollouts(num_rollout_workers=0)
algo = config.build()
print(algo.get_policy().model)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
config = config.training(num_epochs=3)
config = config.env_runners(num_env_runners=0)
algo = config.build_algo()
print(algo.get_module())
""",
        ),
        Case(
            "renamed_in_place",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().training(sgd_minibatch_size=64, num_sgd_iter=3, lr=0.1)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().training(minibatch_size=64, num_epochs=3, lr=0.1)
""",
        ),
        Case(
            "moved_to_another_method",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = (
    PPOConfig()
    .env_runners(num_env_runners=2)
    .resources(num_cpus_per_worker=1, num_learner_workers=1)
)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = (
    PPOConfig()
    .env_runners(num_env_runners=2, num_cpus_per_env_runner=1)
    .learners(num_learners=1)
)
""",
        ),
        Case(
            "comments_go_with_what_they_speak_of",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = (
    PPOConfig()
    .training(
        # Ours, for the extra loss.
        learner_class=Mine,
        # Read by the Learner.
        learner_config_dict={"a": 1},  # a is enough
        # How fast, and how far ahead.
        lr=0.1,
        gamma=0.9,
    )
    .env_runners(
        # Two of each.
        num_env_runners=2,
        num_envs_per_worker=2,
    )
    .training(
        # the connector that stacks frames
        learner_connector=(
            None if plain_observations_are_what_the_module_wants else make_the_learner_connector
        ),
        vf_loss_coeff=0.5,
    )
)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = (
    PPOConfig()
    .training(
        # How fast, and how far ahead.
        lr=0.1,
        gamma=0.9,
    )
    .env_runners(
        # Two of each.
        num_env_runners=2,
        num_envs_per_env_runner=2,
    )
    .training(
        vf_loss_coeff=0.5,
    )
    .learners(
        # Ours, for the extra loss.
        learner_class=Mine,
        # Read by the Learner.
        # a is enough
        learner_config_dict={"a": 1},
        # the connector that stacks frames
        learner_connector=(
            None if plain_observations_are_what_the_module_wants else make_the_learner_connector
        ),
    )
)
""",
        ),
    ),
)
