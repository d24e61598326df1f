"""The config that an old policy class is built with."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlmigrate.compat.wrap.stacks import StackName

_ALGORITHMS = ("PPO", "DQN", "SAC", "BC")


def policy_config(
    policy_class: type, family: StackName, given: Any, model_config: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the full config dict for a policy class, with `model_config` in its "model".

    `given` is an old AlgorithmConfig or a dict of what differs from the algorithm's defaults,
    which are those of the algorithm that the class or one of its bases is named after, or PPO.
    """
    if hasattr(given, "to_dict"):
        config: dict[str, Any] = dict(given.to_dict())
    else:
        config = {**_defaults(policy_class, family), **(given or {})}
    config["model"] = {**(config.get("model") or {}), **model_config}
    config["framework"] = "torch"
    return config


def _defaults(policy_class: type, family: StackName) -> dict[str, Any]:
    names = [base.__name__ for base in policy_class.__mro__]
    # PPO's defaults otherwise: a bare AlgorithmConfig of Ray 2.60 has no exploration, without
    # which a policy cannot act.
    algorithm = next((a for name in names for a in _ALGORITHMS if a in name), "PPO")
    if family == "builtin":
        home: Any = importlib.import_module("rlmigrate.legacy.config")
        return dict(getattr(home, f"{algorithm}Config")().to_dict())
    home = importlib.import_module(f"ray.rllib.algorithms.{algorithm.lower()}")
    config = getattr(home, f"{algorithm}Config")()
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    return dict(config.to_dict())
