"""What SAC's torch and TF policies have in common."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.spaces import Simplex


def check_action_space(action_space: gym.Space[Any]) -> None:
    """Raise UnsupportedSpace for anything but Discrete and one-dimensional Box or Simplex."""
    flat = isinstance(action_space, gym.spaces.Box | Simplex) and len(action_space.shape or ()) < 2
    if not (isinstance(action_space, gym.spaces.Discrete) or flat):
        raise UnsupportedSpace(
            f"SAC: action space is {action_space}, expected Discrete, or Box or Simplex of one axis"
        )


def make_sac_models(
    policy: Any,
    obs_space: gym.Space[Any],
    action_space: gym.Space[Any],
    config: dict[str, Any],
    *,
    framework: str,
    default_model: type,
) -> Any:
    """Build the model and `policy.target_model`."""
    policy_config = {**copy.deepcopy(config["model"]), **config["policy_model_config"]}
    q_config = {**copy.deepcopy(config["model"]), **config["q_model_config"]}

    def build(name: str) -> Any:
        return ModelCatalog.get_model_v2(
            obs_space,
            action_space,
            None,
            config["model"],
            framework=framework,
            default_model=default_model,
            name=name,
            policy_model_config=policy_config,
            q_model_config=q_config,
            twin_q=config["twin_q"],
            initial_alpha=config["initial_alpha"],
            target_entropy=config["target_entropy"],
        )

    model = build("sac_model")
    policy.target_model = build("target_sac_model")
    return model


def distribution_name(action_space: gym.Space[Any], config: dict[str, Any]) -> str:
    """Name the kind of distribution; empty where the config names a class of its own."""
    if config["model"].get("custom_action_dist"):
        return ""
    if isinstance(action_space, gym.spaces.Discrete):
        return "Categorical"
    if isinstance(action_space, Simplex):
        return "Dirichlet"
    if not config["normalize_actions"]:
        return "DiagGaussian"
    return "Beta" if config["_use_beta_distribution"] else "SquashedGaussian"
