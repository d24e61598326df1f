"""SAC's torch policy, as far as it acts; learning needs Ray."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch

from rlmigrate.legacy import distributions
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.config.sac import SACConfig
from rlmigrate.legacy.models.sac_model import SACTorchModel
from rlmigrate.legacy.policies.builder import build_policy_class
from rlmigrate.legacy.policies.sac_parts import (
    check_action_space,
    distribution_name,
    make_sac_models,
)
from rlmigrate.legacy.policies.torch_mixins import TargetNetworkMixin
from rlmigrate.legacy.types import Tensor


def validate_spaces(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> None:
    """Raise UnsupportedSpace for anything but Discrete and one-dimensional Box or Simplex."""
    check_action_space(action_space)


def build_sac_model_and_action_dist(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> tuple[Any, Any]:
    """Build the model and `policy.target_model`, and give the distribution class."""
    model = make_sac_models(
        policy, obs_space, action_space, config, framework="torch", default_model=SACTorchModel
    )
    kind = distribution_name(action_space, config)
    if not kind:
        return model, ModelCatalog.get_action_dist(
            action_space, config["model"], framework="torch"
        )[0]
    return model, getattr(distributions, f"Torch{kind}")


def action_distribution_fn(
    policy: Any, model: Any, input_dict: Any, **kwargs: Any
) -> tuple[Tensor, Any, list[Any]]:
    """Give the policy network's outputs as distribution inputs."""
    out, _ = model(input_dict, [], None)
    dist_inputs, _ = model.get_action_model_outputs(out)
    return dist_inputs, policy.dist_class, []


def optimizers(policy: Any, config: dict[str, Any]) -> list[Any]:
    """Make one Adam each for policy, every Q-network, and alpha."""
    rates = config["optimization"]
    q_vars = list(policy.model.q_variables())
    half = len(q_vars) // 2 if config["twin_q"] else len(q_vars)
    parts = [(policy.model.policy_variables(), "actor"), (q_vars[:half], "critic")]
    if config["twin_q"]:
        parts.append((q_vars[half:], "critic"))
    parts.append(([policy.model.log_alpha], "entropy"))
    return [
        torch.optim.Adam(params, lr=rates[f"{name}_learning_rate"], eps=1e-7)
        for params, name in parts
    ]


def _before_loss_init(policy: Any, obs_space: Any, action_space: Any, config: Any) -> None:
    TargetNetworkMixin.__init__(policy)


SACTorchPolicy = build_policy_class(
    "SACTorchPolicy",
    "torch",
    loss_fn=None,
    get_default_config=SACConfig,
    optimizer_fn=optimizers,
    validate_spaces=validate_spaces,
    before_loss_init=_before_loss_init,
    make_model_and_action_dist=build_sac_model_and_action_dist,
    mixins=[TargetNetworkMixin],
    action_distribution_fn=action_distribution_fn,
)
SACTorchPolicy.__module__ = __name__  # where pickle and short names look for it
