"""DQN's torch policy, as far as it acts; learning needs Ray."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.config.dqn import DQNConfig
from rlmigrate.legacy.distributions.categorical import (
    get_torch_categorical_class_with_temperature,
)
from rlmigrate.legacy.models.dqn_model import DQNTorchModel
from rlmigrate.legacy.policies.builder import build_policy_class
from rlmigrate.legacy.policies.dqn_parts import make_q_models
from rlmigrate.legacy.policies.torch_mixins import LearningRateSchedule, TargetNetworkMixin
from rlmigrate.legacy.postprocessing.advantages import adjust_nstep
from rlmigrate.legacy.types import Tensor
from rlmigrate.legacy.utils.numpy import convert_to_numpy
from rlmigrate.legacy.utils.torch_utils import reduce_mean_ignore_inf

# The column of importance weights in a prioritized replay's batches.
PRIO_WEIGHTS = "weights"


def build_q_model_and_distribution(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> tuple[Any, Any]:
    """Build the Q-network and `policy.target_model`, and give the distribution over Q-values."""
    model = make_q_models(
        policy, obs_space, action_space, config, framework="torch", interface=DQNTorchModel
    )
    return model, _dist_class(config)


def postprocess_nstep_and_prio(
    policy: Any, batch: SampleBatch, other_agent: Any = None, episode: Any = None
) -> SampleBatch:
    """Turn a trajectory's steps into n-step ones, and add weights: 1, or the TD error's size.

    The latter if the replay buffer's config, or up to Ray 1.x the policy's, asks for priorities
    from the rollout worker.
    """
    config = policy.config
    if config["n_step"] > 1:
        adjust_nstep(config["n_step"], config["gamma"], batch)
    if PRIO_WEIGHTS not in batch:
        batch[PRIO_WEIGHTS] = np.ones_like(batch[SampleBatch.REWARDS])
    settings = {**config, **(config.get("replay_buffer_config") or {})}
    if batch.count > 0 and settings.get("worker_side_prioritization") is True:
        columns = [SampleBatch.OBS, SampleBatch.ACTIONS, SampleBatch.REWARDS, SampleBatch.NEXT_OBS]
        columns += [SampleBatch.TERMINATEDS, PRIO_WEIGHTS]
        errors = policy.compute_td_error(*(batch[column] for column in columns))
        smallest = settings.get("prioritized_replay_eps")
        if smallest is None:
            raise LegacyError("worker_side_prioritization needs prioritized_replay_eps")
        batch[PRIO_WEIGHTS] = np.abs(convert_to_numpy(errors)) + smallest
    return batch


def _dist_class(config: dict[str, Any]) -> Any:
    return get_torch_categorical_class_with_temperature(
        config["categorical_distribution_temperature"]
    )


def compute_q_values(
    policy: Any,
    model: Any,
    input_dict: Any,
    state_batches: Any = None,
    seq_lens: Any = None,
    explore: Any = None,
    is_training: bool = False,
) -> tuple[Tensor, Tensor, Tensor, list[Any]]:
    """Give Q-values [B, actions], their logits and probabilities over atoms, and states."""
    out, state = model(input_dict, state_batches or [], seq_lens)
    atoms = policy.config["num_atoms"] > 1
    z = support = out
    if atoms:
        q_values, z, support, logits, probs = model.get_q_value_distributions(out)
    else:
        q_values, logits, probs = model.get_q_value_distributions(out)
    if not policy.config["dueling"]:
        return q_values, logits, probs, state
    value = model.get_state_value(out)
    if atoms:
        centered = support - torch.mean(support, dim=1).unsqueeze(1)
        logits = value.unsqueeze(1) + centered
        probs = torch.nn.functional.softmax(logits, dim=-1)
        return torch.sum(z * probs, dim=-1), logits, probs, state
    # Actions that are not allowed have -inf and do not count.
    q_values = value + (q_values - reduce_mean_ignore_inf(q_values, 1).unsqueeze(1))
    return q_values, logits, probs, state


def get_distribution_inputs_and_class(
    policy: Any, model: Any, input_dict: Any, **kwargs: Any
) -> tuple[Tensor, Any, list[Any]]:
    """Give the Q-values as distribution inputs."""
    q_values = compute_q_values(policy, model, input_dict)[0]
    model.tower_stats["q_values"] = q_values
    return q_values, _dist_class(policy.config), []


def adam_optimizer(policy: Any, config: dict[str, Any]) -> Any:
    """Make Adam with DQN's epsilon."""
    return torch.optim.Adam(policy.model.parameters(), lr=policy.cur_lr, eps=config["adam_epsilon"])


def _before_init(policy: Any, obs_space: Any, action_space: Any, config: Any) -> None:
    LearningRateSchedule.__init__(policy, config["lr"], config["lr_schedule"])


def _before_loss_init(policy: Any, obs_space: Any, action_space: Any, config: Any) -> None:
    TargetNetworkMixin.__init__(policy)


DQNTorchPolicy = build_policy_class(
    "DQNTorchPolicy",
    "torch",
    loss_fn=None,
    get_default_config=DQNConfig,
    make_model_and_action_dist=build_q_model_and_distribution,
    action_distribution_fn=get_distribution_inputs_and_class,
    extra_action_out_fn=lambda policy, batch, states, model, dist: {
        "q_values": model.tower_stats["q_values"]
    },
    optimizer_fn=adam_optimizer,
    before_init=_before_init,
    before_loss_init=_before_loss_init,
    mixins=[TargetNetworkMixin, LearningRateSchedule],
)
DQNTorchPolicy.__module__ = __name__  # where pickle and short names look for it
