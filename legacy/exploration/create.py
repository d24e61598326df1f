"""Build an exploration from `config["exploration_config"]`."""

from __future__ import annotations

import importlib
from typing import Any

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.exploration.base import Exploration

_HOMES = {
    "EpsilonGreedy": "epsilon_greedy",
    "GaussianNoise": "gaussian_noise",
    "OrnsteinUhlenbeckNoise": "ornstein_uhlenbeck_noise",
    "ParameterNoise": "parameter_noise",
    "PerWorkerEpsilonGreedy": "per_worker",
    "PerWorkerGaussianNoise": "per_worker",
    "PerWorkerOrnsteinUhlenbeckNoise": "per_worker",
    "Random": "random",
    "SlateEpsilonGreedy": "slates",
    "SlateSoftQ": "slates",
    "SoftQ": "soft_q",
    "StochasticSampling": "stochastic_sampling",
    "ThompsonSampling": "bandits",
    "UpperConfidenceBound": "bandits",
}


def create_exploration(exploration_config: Any, **kwargs: Any) -> Exploration:
    """Build the exploration that a config names.

    exploration_config: {"type": name, dotted path or class, other arguments...}; an instance
    is given back as it is.
    """
    if isinstance(exploration_config, Exploration):
        return exploration_config
    args = dict(exploration_config or {})
    kind = args.pop("type", "StochasticSampling")
    cls = kind if isinstance(kind, type) else _named(kind)
    built: Exploration = cls(**{**kwargs, **args})
    return built


def _named(kind: str) -> Any:
    name = kind.rpartition(".")[2]
    if name in _HOMES and kind.startswith((name, "ray.rllib.")):
        module = importlib.import_module(f"rlmigrate.legacy.exploration.{_HOMES[name]}")
        return getattr(module, name)
    module_name, _, attribute = kind.rpartition(".")
    if not module_name:
        raise LegacyError(
            f"exploration_config: type is {kind!r}, expected a class, its dotted path, "
            f"or one of {sorted(_HOMES)}"
        )
    return getattr(importlib.import_module(module_name), attribute)
