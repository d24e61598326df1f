"""Trainers with policies of their own, as Algorithms on Ray."""

from __future__ import annotations

import pytest

pytest.importorskip("ray.rllib")
from ray.rllib.algorithms.ppo import PPO

from .test_learners import MODEL

AGENTS = """import torch
from ray.rllib.agents.{folder} import {base}Trainer
from ray.rllib.agents.{home} import {policy}TorchPolicy


"""
CHOOSE = """

def choose(config_):
    if config_["framework"] == "torch":
        return MyPolicy


MyTrainer = {base}Trainer.with_updates(
    name="MyTrainer", default_policy=None, get_policy_class=choose
)
"""
NOTHING = "MyPolicy = {policy}TorchPolicy.with_updates(name='MyPolicy')\n"
LOSS = """def my_loss(policy, model, dist_class, train_batch):
    logits, _ = model(train_batch)
    logp = dist_class(logits, model).logp(train_batch["actions"])
    return -torch.mean(logp * train_batch["advantages"])


MyPolicy = {policy}TorchPolicy.with_updates(name="MyPolicy", loss_fn=my_loss)
"""
BASES = {
    "PPO": {"base": "PPO", "folder": "ppo", "home": "ppo.ppo_torch_policy", "policy": "PPO"},
    "A2C": {"base": "A2C", "folder": "a3c", "home": "a3c.a3c_torch_policy", "policy": "A3C"},
    "PG": {"base": "PG", "folder": "pg", "home": "pg.pg_torch_policy", "policy": "PG"},
}


def text(base: str, policy: str) -> str:
    whole = AGENTS + policy + CHOOSE
    for key, value in BASES[base].items():
        whole = whole.replace("{" + key + "}", value)
    return whole


@pytest.mark.parametrize("policy", [NOTHING, LOSS], ids=["nothing", "loss"])
@pytest.mark.parametrize("base", BASES)
def test_is_an_algorithm_with_its_learner(migrate, base, policy):
    done = migrate(text(base, policy))
    assert done.items["MyTrainer"].outcome == "native"
    assert done.items["MyPolicy"].outcome == "native"
    after = done.text()
    assert "with_updates" not in after
    assert "choose" not in after
    new = done.new()
    assert issubclass(new.MyTrainer, PPO)
    config = new.MyTrainer.get_default_config()
    assert config.algo_class is new.MyTrainer
    config.environment("CartPole-v1").validate()
    names = [each.__name__ for each in config.get_default_learner_class().__mro__]
    expected = {"PPO": "PPOTorchLearner", "A2C": "A3CTorchLearner", "PG": "PGTorchLearner"}
    assert expected[base] in names
    assert ("MyPolicyLearner" in names) == (policy is LOSS)
    assert migrate(after).text() == after


def test_a_policy_that_others_use_stays_and_so_does_the_trainer(migrate):
    whole = text("PPO", NOTHING) + "\n\nprint(MyPolicy)\n"
    done = migrate(whole)
    assert "MyPolicy = PPOTorchPolicy.with_updates" in done.text()
    assert "PPOTrainer.with_updates" in done.text()


def test_a_trainer_that_asks_for_more_stays(migrate):
    whole = text("PPO", NOTHING).replace("default_policy=None", "execution_plan=print")
    assert "PPOTrainer.with_updates" in migrate(whole).text()


CLASS = (
    MODEL
    + '''
from ray.rllib.algorithms.ppo import PPO, PPOConfig


class Config(PPOConfig):
    """Settings."""

    def __init__(self, algo_class=None):
        super().__init__(algo_class or Trainer)


class Policy(PPOTorchPolicy):
    def loss(self, model, dist_class, train_batch):
        return 2 * super().loss(model, dist_class, train_batch)


class Trainer(PPO):
    @classmethod
    def get_default_config(cls):
        return Config()

    def get_default_policy_class(self, config):
        assert config["framework"] == "torch"
        return Policy
'''
)


def test_a_trainer_class_gives_its_config_the_learner(migrate):
    done = migrate(CLASS)
    assert done.items["Trainer"].outcome == "native"
    assert "get_default_policy_class" not in done.text()
    new = done.new()
    config = new.Trainer.get_default_config()
    assert config.get_default_learner_class() is new.PolicyLearner
    assert migrate(done.text()).text() == done.text()


@pytest.mark.slow
@pytest.mark.parametrize("base", ["A2C", "PG"])
def test_trains(migrate, base):
    import ray

    config = migrate(text(base, NOTHING)).new().MyTrainer.get_default_config()
    config.environment("CartPole-v1").env_runners(num_env_runners=0)
    algo = config.build_algo()
    try:
        result = algo.train()
    finally:
        algo.stop()
        ray.shutdown()
    learned = result["learners"]["default_policy"]
    assert learned["num_module_steps_trained"] >= 200
    assert "policy_loss" in learned
