"""SAC's TF policy, as far as it acts; learning needs Ray."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.config.sac import SACConfig
from rlmigrate.legacy.distributions import tf as distributions
from rlmigrate.legacy.models.tf.sac_model import SACTFModel
from rlmigrate.legacy.policies.sac_parts import (
    check_action_space,
    distribution_name,
    make_sac_models,
)
from rlmigrate.legacy.policies.tf.builder import build_tf_policy
from rlmigrate.legacy.policies.tf.mixins import TargetNetworkMixin
from rlmigrate.legacy.types import Tensor


def validate_spaces(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> None:
    """Raise UnsupportedSpace for anything but Discrete and one-dimensional Box or Simplex."""
    check_action_space(action_space)


def build_sac_model(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> Any:
    """Build the model and `policy.target_model`."""
    return make_sac_models(
        policy, obs_space, action_space, config, framework="tf2", default_model=SACTFModel
    )


def get_distribution_inputs_and_class(
    policy: Any, model: Any, obs_batch: Any, *, explore: bool = True, **kwargs: Any
) -> tuple[Tensor, Any, list[Any]]:
    """Give the policy network's outputs as distribution inputs."""
    out, state = model({"obs": obs_batch, "is_training": False}, [], None)
    inputs, _ = model.get_action_model_outputs(out)
    return inputs, _dist_class(policy, policy.config, policy.action_space), state


def _dist_class(policy: Any, config: dict[str, Any], action_space: gym.Space[Any]) -> Any:
    kind = distribution_name(action_space, config)
    if not kind:
        return ModelCatalog.get_action_dist(action_space, config["model"], framework="tf")[0]
    return getattr(distributions, kind)


def optimizers(policy: Any, config: dict[str, Any]) -> list[Any]:
    """Make one Adam each for policy, every Q-network, and alpha."""
    parts = ["actor", "critic", *(["critic"] if config["twin_q"] else []), "entropy"]
    rates = config["optimization"]
    return [tf.keras.optimizers.Adam(rates[f"{part}_learning_rate"]) for part in parts]


def _before_loss_init(policy: Any, obs_space: Any, action_space: Any, config: Any) -> None:
    TargetNetworkMixin.__init__(policy)


SACTFPolicy = build_tf_policy(
    "SACTFPolicy",
    get_default_config=SACConfig,
    make_model=build_sac_model,
    action_distribution_fn=get_distribution_inputs_and_class,
    validate_spaces=validate_spaces,
    optimizer_fn=optimizers,
    before_loss_init=_before_loss_init,
    mixins=[TargetNetworkMixin],
)
SACTFPolicy.__module__ = __name__  # where pickle and short names look for it
