"""What RLM203 says of policies by builder: which functions are RLlib's own, and which are left."""

from __future__ import annotations

HEAD = """\
from ray.rllib.agents.ppo import ppo
from ray.rllib.agents.ppo.ppo_tf_policy import (
    ValueNetworkMixin,
    compute_and_clip_gradients,
    kl_and_loss_stats,
    ppo_surrogate_loss,
)
from ray.rllib.policy.tf_policy_template import build_tf_policy


class MyMixin:
    def __init__(self):
        self.counted = 0


def my_stats(policy, train_batch):
    return {"one": 1}


"""
CALL = """Mine = build_tf_policy(
    name="Mine",
    get_default_config=lambda: ppo.DEFAULT_CONFIG,
    loss_fn=ppo_surrogate_loss,
    gradients_fn=compute_and_clip_gradients,
    stats_fn={stats},
    mixins=[ValueNetworkMixin{mixin}],
)
"""


def test_a_policy_of_rllibs_functions_alone_is_not_needed(migrate):
    done = migrate(HEAD + CALL.format(stats="kl_and_loss_stats", mixin=""))
    message = done.items["Mine"].message
    assert "every function given to it is RLlib's own" in message
    assert "train with PPOConfig()" in message


def test_what_is_its_own_is_named(migrate):
    done = migrate(HEAD + CALL.format(stats="my_stats", mixin=", MyMixin"))
    message = done.items["Mine"].message
    assert "get_default_config, loss_fn, gradients_fn are RLlib's own" in message
    assert "PPO's module, Learner and connectors" in message
    assert "stats_fn (my_stats) goes into self.metrics.log_dict()" in message
    assert "mixins (MyMixin) goes into" in message


def test_functions_of_an_algorithm_that_is_gone_keep_their_places(migrate):
    text = HEAD.replace("agents.ppo", "agents.pg") + CALL.format(stats="my_stats", mixin="")
    message = migrate(text).items["Mine"].message
    assert "RLlib's own" not in message
    assert "loss_fn goes into compute_loss_for_module()" in message


COPIED = """\
import torch
from ray.rllib.algorithms.dqn.dqn_tf_policy import PRIO_WEIGHTS, postprocess_nstep_and_prio
from ray.rllib.policy.policy_template import build_policy_class
from ray.rllib.policy.sample_batch import SampleBatch


def my_loss(policy, model, dist_class, train_batch):
    following = train_batch[SampleBatch.NEXT_OBS].mean(-1) * policy.config["double_q"]
    return torch.mean(train_batch[PRIO_WEIGHTS] * following)


Mine = build_policy_class(
    name="Mine", framework="torch", loss_fn=my_loss, postprocess_fn=postprocess_nstep_and_prio
)
"""


def test_a_copy_of_rllibs_policy_learns_by_the_learner_of_its_algorithm(migrate):
    """It has the algorithm's settings and columns, and is left to a person for the rest."""
    done = migrate(COPIED)
    text = done.text()
    assert "class MineLearner(DQNTorchLearner):" in text
    assert "config.double_q" in text
    assert 'train_batch["weights"]' in text
    assert "in the batch only if" not in text
    assert "computed name" not in text
    assert done.items["Mine"].outcome == "manual"
    assert "MineLearner" in dir(done.new())


def test_functions_of_two_algorithms_say_nothing(migrate):
    text = COPIED.replace(
        "from ray.rllib.policy.policy_template",
        "from ray.rllib.algorithms.sac.sac_torch_policy import stats\n"
        "from ray.rllib.policy.policy_template",
    ).replace("loss_fn=my_loss,", "loss_fn=my_loss, stats_fn=stats,")
    assert "class MineLearner(TorchLearner):" in migrate(text).text()


def test_a_class_that_names_the_config_of_an_algorithm(migrate):
    text = (
        "import ray\nfrom ray.rllib.policy.torch_policy_v2 import TorchPolicyV2\n\n\n"
        "class Mine(TorchPolicyV2):\n"
        "    def __init__(self, observation_space, action_space, config):\n"
        "        config = dict(ray.rllib.algorithms.impala.impala.ImpalaConfig().to_dict(), "
        "**config)\n"
        "        super().__init__(observation_space, action_space, config)\n\n"
        "    def loss(self, model, dist_class, train_batch):\n"
        "        return train_batch['rewards'].mean() * self.config['vtrace_clip_rho_threshold']\n"
    )
    done = migrate(text)
    assert "class MineLearner(IMPALATorchLearner):" in done.text()
    assert "config.vtrace_clip_rho_threshold" in done.text()
    assert done.items["Mine"].outcome == "manual"
