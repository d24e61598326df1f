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
