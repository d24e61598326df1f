"""SAC's torch policy, as far as it acts; learning needs Ray."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import torch

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.config.sac import SACConfig
from rlmigrate.legacy.distributions import (
    TorchBeta,
    TorchCategorical,
    TorchDiagGaussian,
    TorchDirichlet,
    TorchSquashedGaussian,
)
from rlmigrate.legacy.models.sac_model import SACTorchModel
from rlmigrate.legacy.policies.builder import build_policy_class
from rlmigrate.legacy.policies.torch_mixins import TargetNetworkMixin
from rlmigrate.legacy.spaces import Simplex
from rlmigrate.legacy.types import Tensor


def validate_spaces(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> None:
    """Raise UnsupportedSpace for anything but Discrete and one-dimensional Box or Simplex."""
    flat = isinstance(action_space, gym.spaces.Box | Simplex) and len(action_space.shape or ()) < 2
    if not (isinstance(action_space, gym.spaces.Discrete) or flat):
        raise UnsupportedSpace(
            f"SAC: action space is {action_space}, expected Discrete, or Box or Simplex of one axis"
        )


def build_sac_model_and_action_dist(
    policy: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
) -> tuple[Any, Any]:
    """Build the model and `policy.target_model`, and give the distribution class."""
    policy_config = {**copy.deepcopy(config["model"]), **config["policy_model_config"]}
    q_config = {**copy.deepcopy(config["model"]), **config["q_model_config"]}

    def build(name: str) -> Any:
        return ModelCatalog.get_model_v2(
            obs_space,
            action_space,
            None,
            config["model"],
            framework="torch",
            default_model=SACTorchModel,
            name=name,
            policy_model_config=policy_config,
            q_model_config=q_config,
            twin_q=config["twin_q"],
            initial_alpha=config["initial_alpha"],
            target_entropy=config["target_entropy"],
        )

    model = build("sac_model")
    policy.target_model = build("target_sac_model")
    return model, _dist_class(action_space, config)


def _dist_class(action_space: gym.Space[Any], config: dict[str, Any]) -> Any:
    if config["model"].get("custom_action_dist"):
        return ModelCatalog.get_action_dist(action_space, config["model"], framework="torch")[0]
    if isinstance(action_space, gym.spaces.Discrete):
        return TorchCategorical
    if isinstance(action_space, Simplex):
        return TorchDirichlet
    if not config["normalize_actions"]:
        return TorchDiagGaussian
    return TorchBeta if config["_use_beta_distribution"] else TorchSquashedGaussian


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
