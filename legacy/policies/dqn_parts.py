"""What DQN's torch and TF policies have in common."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.catalog.catalog import ModelCatalog


def make_q_models(
    policy: Any,
    obs_space: gym.Space[Any],
    action_space: gym.Space[Any],
    config: dict[str, Any],
    *,
    framework: str,
    interface: type,
) -> Any:
    """Build the Q-network and `policy.target_model`. Raises UnsupportedSpace unless Discrete."""
    if not isinstance(action_space, gym.spaces.Discrete):
        raise UnsupportedSpace(f"DQN: action space is {action_space}, expected Discrete")
    size = int(action_space.n)
    if config["hiddens"]:
        size = [256, *config["model"]["fcnet_hiddens"]][-1]
        config["model"]["no_final_linear"] = True

    def build(name: str) -> Any:
        return ModelCatalog.get_model_v2(
            obs_space,
            action_space,
            size,
            config["model"],
            framework=framework,
            model_interface=interface,
            name=name,
            q_hiddens=config["hiddens"],
            dueling=config["dueling"],
            num_atoms=config["num_atoms"],
            use_noisy=config["noisy"],
            v_min=config["v_min"],
            v_max=config["v_max"],
            sigma0=config["sigma0"],
            add_layer_norm=config["exploration_config"].get("type") == "ParameterNoise",
        )

    model = build("q_func")
    policy.target_model = build("target_q_func")
    return model
