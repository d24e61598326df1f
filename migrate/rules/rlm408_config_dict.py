"""Config dicts become config builders."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.dict_config import dict_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find dicts that go to an algorithm's constructor or to Tune."""
    return dict_findings(context)


RULE = Rule(
    code="RLM408",
    name="config-dict",
    kind=Kind.CONFIG,
    summary="A config dict becomes the algorithm's config builder, key by key.",
    explanation="""
`PPOTrainer(config={...})`, `PPO(config={...})` and `tune.run("PPO", config={...})` took dicts. Each
key moves to the builder's method that holds it today, under its new name; comments go with their
keys. A dict that a name holds is followed through `config["key"] = ...` and `config.update(...)`.
A key that cannot be carried over leaves the config and stands in a TODO marker above it. A dict
that is computed, or goes elsewhere too, stays a dict, and the config is updated from it.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "trainer_of_another_library",
            """
import rllib_tools
from lightning import Trainer

trainer = Trainer(config={"num_workers": 2})
""",
        ),
        Case(
            "tune_runs_a_function",
            """
import ray.rllib
from ray import tune


def train(config):
    return config["lr"]


tune.run(train, config={"lr": 0.1})
""",
        ),
    ),
    cases=(
        Case(
            "key_of_another_algorithm",
            """
from ray import tune

tune.run("PPO", config={"lr": 0.1, "n_step": 3})
""",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

# TODO(rlmigrate RLM408): PPO has no "n_step": training() of its config refuses n_step (it was
#     n_step: 3)
tune.run("PPO", config=PPOConfig().training(lr=0.1))
""",
        ),
        Case(
            "rate_beside_its_schedule_and_a_comment_behind_the_last_key",
            """
from ray import tune

tune.run(
    "PPO",
    config={
        "lr": 0.1,
        "lr_schedule": [[0, 0.1], [10, 0.2]],
        "num_workers": 2,
        # "gamma": 0.9,
    },
)
""",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

tune.run(
    "PPO",
    config=(
        PPOConfig()
        .training(lr=[[0, 0.1], [10, 0.2]])
        .env_runners(num_env_runners=2)
        # "gamma": 0.9,
    ),
)
""",
        ),
        Case(
            "constructor",
            """
from ray.rllib.agents.ppo import PPOTrainer

trainer = PPOTrainer(
    env="CartPole-v1",
    config={
        # two of them
        "num_workers": 2,
        "sgd_minibatch_size": 64,
        "framework": "torch",
        "lambda": 0.9,
    },
)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

trainer = (
    PPOConfig()
    .environment("CartPole-v1")
    .env_runners(
        # two of them
        num_env_runners=2,
    )
    .training(minibatch_size=64, lambda_=0.9)
    .framework("torch")
    .build_algo()
)
""",
        ),
        Case(
            "two_long_values_that_a_person_must_place",
            """
from ray.rllib.agents.sac import SACTrainer

trainer = SACTrainer(
    env="Pendulum-v1",
    config={
        "Q_model": {
            "fcnet_hiddens": [256, 256, 256],
        },
        # smaller
        "policy_model": {
            "fcnet_hiddens": [64, 64],
        },
    },
)
""",
            """
from ray.rllib.algorithms.sac import SACConfig

# TODO(rlmigrate RLM408): Q_model is gone: set rl_module(model_config=): both nets are made from
#     it; its head_* keys are the heads
# TODO(rlmigrate RLM408): policy_model is gone: set rl_module(model_config=): both nets are made
#     from it; its head_* keys are the heads
trainer = (
    SACConfig()
    .environment("Pendulum-v1")
    .update_from_dict(
        {
            "Q_model": {
                "fcnet_hiddens": [256, 256, 256],
            },
            # smaller
            "policy_model": {
                "fcnet_hiddens": [64, 64],
            },
        },
    )
    .build_algo()
)
""",
        ),
        Case(
            "key_that_is_read_where_the_dict_is_changed",
            """
from ray.rllib.agents.sac import SACTrainer

config = {"gamma": 0.9}
config["gamma"] = config["gamma"] * 2
trainer = SACTrainer(config=config)
""",
            """
from ray.rllib.algorithms.sac import SACConfig

config = {"gamma": 0.9}
config["gamma"] = config["gamma"] * 2
trainer = SACConfig().update_from_dict(config).build_algo()
""",
        ),
        Case(
            "dict_held_by_a_name",
            """
from ray import tune
from ray.rllib.agents import ppo

config = ppo.DEFAULT_CONFIG.copy()
config["num_workers"] = 1
config["model"]["fcnet_hiddens"] = [64]
config.update({"env": "CartPole-v1", "num_sgd_iter": 4})
tune.run(ppo.PPOTrainer, config=config)
""",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

config = PPOConfig()
config.env_runners(num_env_runners=1)
config.rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[64], vf_share_layers=False))
config.environment("CartPole-v1").training(num_epochs=4)
tune.run("PPO", config=config)
""",
        ),
        Case(
            "dict_that_comes_from_elsewhere",
            """
from ray import tune
from ray.rllib.agents.ppo import PPOTrainer


def train(config):
    return PPOTrainer(config=config, env="CartPole-v1").train()


def search(config):
    return tune.run(PPOTrainer, config=config)
""",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig


def train(config):
    return PPOConfig().update_from_dict(config).environment("CartPole-v1").build_algo().train()


def search(config):
    return tune.run("PPO", config=config)
""",
        ),
        Case(
            "builder_made_a_dict",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().environment("CartPole-v1")
tune.Tuner("PPO", param_space=config.to_dict()).fit()
tune.Tuner("PPO", param_space=(PPOConfig().environment("CartPole-v1")).to_dict()).fit()
""",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().environment("CartPole-v1")
tune.Tuner("PPO", param_space=config).fit()
tune.Tuner("PPO", param_space=(PPOConfig().environment("CartPole-v1"))).fit()
""",
        ),
    ),
)
