"""A trainer with a policy of its own becomes an Algorithm whose config names the Learner."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.learners.algorithms import Written, written_trainers
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each trainer whose policy has its Learner, and policies that changed nothing."""
    for each in written_trainers(context.source, context.index):
        yield from _findings(context, each)


def _findings(context: FileContext, each: Written) -> Iterable[Finding]:
    path = str(context.source.path)
    trainer = each.trainer
    learner = f" and learns by {each.learner}" if each.learner else ""
    item = Item(
        path=path,
        line=trainer.line,
        name=trainer.name,
        kind=Kind.CONFIG,
        outcome=Outcome.NATIVE,
        code=RULE.code,
        message=f"is an Algorithm of its own{learner}",
        new_name=trainer.name,
        new_path=path,
    )
    edits: tuple[Edit, ...] = each.edits
    yield Finding(item, edits, each.imports, each.layers)
    if each.idle is not None:
        yield Finding(
            Item(
                path=path,
                line=each.idle.lineno,
                name=trainer.policy,
                kind=Kind.POLICY,
                outcome=Outcome.NATIVE,
                code=RULE.code,
                message=f"changes nothing of its base; {trainer.name} learns as that did",
                new_name=trainer.name,
                new_path=path,
            )
        )


_OLD = """\
import torch
from ray.rllib.agents.ppo import PPOTrainer
from ray.rllib.agents.ppo.ppo_torch_policy import PPOTorchPolicy

MyPolicy = PPOTorchPolicy.with_updates(name="MyPolicy")


def choose(config):
    if config["framework"] == "torch":
        return MyPolicy


MyTrainer = PPOTrainer.with_updates(name="MyTrainer", get_policy_class=choose)
"""
_NEW = """\
import torch
from ray.rllib.algorithms.ppo import PPO, PPOConfig


class MyTrainerConfig(PPOConfig):
    \"\"\"Settings of MyTrainer.\"\"\"

    def __init__(self, algo_class=None):
        super().__init__(algo_class or MyTrainer)


class MyTrainer(PPO):
    @classmethod
    def get_default_config(cls):
        return MyTrainerConfig(cls)
"""

RULE = Rule(
    code="RLM207",
    name="trainer",
    kind=Kind.POLICY,
    summary="Write a trainer with a policy of its own as an Algorithm with a Learner.",
    explanation=(
        "`XTrainer.with_updates(default_policy=..., get_policy_class=...)` made a trainer of a "
        "policy, and so does get_default_policy_class(). On the new stack an Algorithm takes its "
        "Learner from its config, so that the config gets get_default_learner_class(). A2C and PG, "
        "which are gone, are PPO with one update for each batch, the settings that they had by "
        "default, and a Learner from the layers file. It needs a Learner that RLM205 wrote whole."
    ),
    check=check,
    words=frozenset({"with_updates", "get_default_policy_class"}),
    since="2.0",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "a trainer of one's own",
            "from mine import PPOTrainer  # not of rllib\n\n"
            'Mine = PPOTrainer.with_updates(name="Mine", default_policy=None)\n',
        ),
    ),
    cases=(Case("a trainer by with_updates", _OLD, _NEW),),
)
