"""DQN's TF policy, as far as it acts; learning needs Ray."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.legacy.config.dqn import DQNConfig
from rlmigrate.legacy.distributions.tf.categorical import get_categorical_class_with_temperature
from rlmigrate.legacy.models.tf.dqn_model import DistributionalQTFModel
from rlmigrate.legacy.policies.dqn_parts import make_q_models
from rlmigrate.legacy.policies.tf.builder import build_tf_policy
from rlmigrate.legacy.policies.tf.losses import reduce_mean_ignore_inf
from rlmigrate.legacy.policies.tf.mixins import LearningRateSchedule, TargetNetworkMixin
from rlmigrate.legacy.types import Tensor


def build_q_model(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> Any:
    """Build the Q-network and `policy.target_model`. Raises UnsupportedSpace unless Discrete."""
    return make_q_models(
        policy, obs_space, action_space, config, framework="tf", interface=DistributionalQTFModel
    )


def compute_q_values(
    policy: Any,
    model: Any,
    input_batch: Any,
    state_batches: Any = None,
    seq_lens: Any = None,
    explore: Any = None,
    is_training: bool = False,
) -> tuple[Tensor, Tensor, Tensor, list[Any]]:
    """Give Q-values [B, actions], their logits and probabilities over atoms, and states."""
    out, state = model(input_batch, state_batches or [], seq_lens)
    atoms = policy.config["num_atoms"] > 1
    scores = model.get_q_value_distributions(out)
    q_values, logits, probs = scores[0], scores[-2], scores[-1]
    if not policy.config["dueling"]:
        return q_values, logits, probs, state
    value = model.get_state_value(out)
    if atoms:
        support, logits = scores[1], scores[2]
        centered = logits - tf.expand_dims(tf.reduce_mean(logits, 1), 1)
        logits = tf.expand_dims(value, 1) + centered
        probs = tf.nn.softmax(logits=logits)
        return tf.reduce_sum(support * probs, axis=-1), logits, probs, state
    # Actions that are not allowed have -inf and do not count.
    mean = tf.expand_dims(reduce_mean_ignore_inf(q_values, 1), 1)
    return value + (q_values - mean), logits, probs, state


def get_distribution_inputs_and_class(
    policy: Any, model: Any, input_dict: Any, *, explore: bool = True, **kwargs: Any
) -> tuple[Tensor, Any, list[Any]]:
    """Give the Q-values as distribution inputs, and leave them at `policy.q_values`."""
    policy.q_values = compute_q_values(policy, model, input_dict, explore=explore)[0]
    temperature = policy.config["categorical_distribution_temperature"]
    return policy.q_values, get_categorical_class_with_temperature(temperature), []


def adam_optimizer(policy: Any, config: dict[str, Any]) -> Any:
    """Make Adam with DQN's epsilon."""
    epsilon = config["adam_epsilon"]
    return tf.keras.optimizers.Adam(learning_rate=policy.cur_lr, epsilon=epsilon)


def _before_init(policy: Any, obs_space: Any, action_space: Any, config: Any) -> None:
    LearningRateSchedule.__init__(policy, config["lr"], config["lr_schedule"])


def _before_loss_init(policy: Any, obs_space: Any, action_space: Any, config: Any) -> None:
    TargetNetworkMixin.__init__(policy)


DQNTFPolicy = build_tf_policy(
    "DQNTFPolicy",
    get_default_config=DQNConfig,
    make_model=build_q_model,
    action_distribution_fn=get_distribution_inputs_and_class,
    extra_action_out_fn=lambda policy: {"q_values": policy.q_values},
    optimizer_fn=adam_optimizer,
    before_init=_before_init,
    before_loss_init=_before_loss_init,
    mixins=[TargetNetworkMixin, LearningRateSchedule],
)
DQNTFPolicy.__module__ = __name__  # where pickle and short names look for it
