"""wrap_algorithm_config: an old config whose models run wrapped on the new stack."""

from __future__ import annotations

import copy
import importlib
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from rlmigrate.compat.wrap.config_dicts import config_from_dict
from rlmigrate.compat.wrap.model import _wrapped, wrap_policy
from rlmigrate.compat.wrap.module import WrappedModel
from rlmigrate.compat.wrap.q_module import WrappedQModel
from rlmigrate.compat.wrap.sac_module import WrappedSacModel
from rlmigrate.compat.wrap.stacks import family_of
from rlmigrate.errors import UsageError

# Settings of old SAC and DQN configs that the wrapped modules read from their model config.
_DQN_SETTINGS = ("hiddens", "noisy", "sigma0")
_SAC_SETTINGS = (
    "policy_model_config",
    "q_model_config",
    "normalize_actions",
    "_use_beta_distribution",
    "initial_alpha",
)


def wrap_algorithm_config(config: Any, algorithm: str | type | None = None) -> Any:
    """Return a new-stack copy of an old AlgorithmConfig or dict, with its models wrapped.

    `config` is Ray's, or a dict of settings of any release, together with the `algorithm` that it
    is for ("PPO", "PPOTrainer" or the class). Each policy of a multi-agent config gets a module of
    its own, with its own model settings and spaces, or its policy class if it names one of the
    user's. The observation filter becomes a connector, columns that view requirements ask for come
    from one, and `custom_loss` and `metrics` of the models are called. Warns of settings that have
    no place. Raises UsageError for what is no config, and for a custom model that is neither a
    class nor registered.
    """
    if isinstance(config, Mapping):
        config = config_from_dict(config, algorithm)
    if not hasattr(config, "api_stack") or not hasattr(config, "rl_module"):
        raise UsageError(
            "wrap_algorithm_config takes Ray's AlgorithmConfig or a dict of settings, not "
            f"{type(config).__name__}"
        )
    from rlmigrate.compat.wrap.on_ray.learner import legacy_loss

    core = importlib.import_module("ray.rllib.core.rl_module.rl_module")
    multi_home = importlib.import_module("ray.rllib.core.rl_module.multi_rl_module")
    new = config.copy(copy_frozen=False)
    new.api_stack(enable_rl_module_and_learner=True, enable_env_runner_and_connector_v2=True)
    shared = dict(config.model)
    _warn_of_exploration(config)
    schedule = _epsilons(config.exploration_config or {})
    if schedule and hasattr(new, "epsilon"):
        new.epsilon = schedule
    new.exploration_config = {}

    def spec(
        overrides: Mapping[str, Any], spaces: tuple[Any, Any], policy_class: Any = None
    ) -> Any:
        model = {**shared, **(overrides.get("model") or {})}
        custom = model.pop("custom_model", None)
        if _is_users(policy_class):
            module_class = wrap_policy(policy_class, stack="ray", config=_merged(config, overrides))
        else:
            module_class = _class_for(config, custom or _default_class(model))
        names = _SAC_SETTINGS if hasattr(config, "q_model_config") else _DQN_SETTINGS
        settings = {
            key: value
            for key in names
            if (value := overrides.get(key, getattr(config, key, None))) is not None
        }
        return core.RLModuleSpec(
            module_class=module_class,
            observation_space=spaces[0],
            action_space=spaces[1],
            model_config=copy.deepcopy({**settings, **model}),
        )

    policies = _policies(config)
    if policies:
        specs = {policy_id: spec(*_of_policy(policy)) for policy_id, policy in policies.items()}
        new.rl_module(rl_module_spec=multi_home.MultiRLModuleSpec(rl_module_specs=specs))
    else:
        new.rl_module(rl_module_spec=spec({}, (None, None)))
    new.model = {**new.model, "custom_model": None, "custom_model_config": {}}
    new.learners(
        learner_class=legacy_loss(new.get_default_learner_class()),
        learner_connector=_view_columns_for_learning,
    )
    new.env_runners(
        env_to_module_connector=_acting_connectors(new),
        episode_lookback_horizon=max(new.episode_lookback_horizon, _reach(shared)),
    )
    return new


def _epsilons(exploration: Mapping[str, Any]) -> list[tuple[int, float]]:
    """Write the old EpsilonGreedy's settings as a schedule of the new stack; empty for others."""
    if _kind(exploration) != "EpsilonGreedy":
        return []
    first, last = exploration.get("initial_epsilon", 1.0), exploration.get("final_epsilon", 0.05)
    start = int(exploration.get("warmup_timesteps", 0))
    end = start + int(exploration.get("epsilon_timesteps", 100_000))
    warm_up = [(start, float(first))] if start else []
    return [(0, float(first)), *warm_up, (end, float(last))]


def _kind(exploration: Mapping[str, Any]) -> str | None:
    """Name the class that an exploration config asks for, by name, path or itself."""
    kind = exploration.get("type")
    return kind.__name__ if isinstance(kind, type) else kind and str(kind).rpartition(".")[2]


def _warn_of_exploration(config: Any) -> None:
    """Warn of exploration objects of the old stack that no module replaces."""
    exploration = getattr(config, "exploration_config", None) or {}
    kind = _kind(exploration)
    if exploration.get("epsilon_schedule") is not None:
        warnings.warn(
            "exploration_config's epsilon_schedule is left out: write it as "
            "epsilon=[(timestep, value), ...] of the config",
            stacklevel=3,
        )
    if kind not in (None, "StochasticSampling", "EpsilonGreedy"):
        warnings.warn(
            f"exploration_config type {kind!r} has no place on the new stack: the module draws "
            "from its distribution; write another way to explore into _forward_exploration()",
            stacklevel=3,
        )


def _acting_connectors(config: Any) -> Callable[..., list[Any]]:
    """Return what env runners put before a module: the observation filter, then view columns."""
    name, many = config.observation_filter, bool(_policies(config))
    if name not in ("NoFilter", "MeanStdFilter", "ConcurrentMeanStdFilter"):
        warnings.warn(
            f"observation_filter {name!r} is left out: write it as a connector", stacklevel=3
        )
    filters = name in ("MeanStdFilter", "ConcurrentMeanStdFilter")
    config.observation_filter = "NoFilter"

    def connectors(*_: Any, **__: Any) -> list[Any]:
        from ray.rllib.connectors.env_to_module import MeanStdFilter

        from rlmigrate.compat.wrap.on_ray.views import ViewColumns

        # The old filter did not clip; Ray's connector fails without a limit.
        scaling = [MeanStdFilter(multi_agent=many, clip_by_value=math.inf)] if filters else []
        return [*scaling, ViewColumns()]

    return connectors


def _view_columns_for_learning(*_: Any, **__: Any) -> Any:
    from rlmigrate.compat.wrap.on_ray.views import ViewColumns

    return ViewColumns(as_learner_connector=True)


def _policies(config: Any) -> dict[str, Any]:
    """Return the policies of a multi-agent config: policy id to PolicySpec or None."""
    policies = config.policies
    if not isinstance(policies, Mapping):
        policies = dict.fromkeys(policies or ())
    return {} if set(policies) <= {"default_policy"} else dict(policies)


def _is_users(policy_class: Any) -> bool:
    """Tell a policy class of the user's from those of RLlib's algorithms."""
    return isinstance(policy_class, type) and not policy_class.__module__.startswith(
        ("ray.rllib.algorithms.", "ray.rllib.policy.")
    )


def _merged(config: Any, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a policy as the old stack gave them to its class."""
    settings = dict(config.to_dict())
    model = {**settings["model"], **(overrides.get("model") or {})}
    return {**settings, **overrides, "model": {**model, "custom_model": None}}


def _of_policy(policy: Any) -> tuple[Mapping[str, Any], tuple[Any, Any], Any]:
    """Return what a policy's spec overrides, its spaces and its class, if it names any."""
    if isinstance(policy, tuple):
        policy_class, observations, actions, overrides = policy
    else:
        policy_class = getattr(policy, "policy_class", None)
        observations = getattr(policy, "observation_space", None)
        actions = getattr(policy, "action_space", None)
        overrides = getattr(policy, "config", None)
    if overrides is not None and hasattr(overrides, "to_dict"):
        overrides = overrides.to_dict()
    found = overrides if isinstance(overrides, Mapping) else {}
    return found, (observations, actions), policy_class


def _default_class(model: Mapping[str, Any]) -> type:
    """Return what stands for the old default models: ours, which also run where Ray's fail.

    A custom distribution is registered with Ray's catalog, and so needs Ray's.
    """
    home = (
        "ray.rllib.models.torch" if model.get("custom_action_dist") else "rlmigrate.legacy.models"
    )
    found: type = importlib.import_module(f"{home}.torch_modelv2").TorchModelV2
    return found


def _class_for(config: Any, custom: Any) -> type[Any]:
    """Wrap a model class, given itself or by name, in the role the algorithm needs."""
    if isinstance(custom, str):
        registry = importlib.import_module("ray.tune.registry")
        try:
            custom = registry._global_registry.get(registry.RLLIB_MODEL, custom)
        except (KeyError, ValueError) as error:
            raise UsageError(f"custom_model {custom!r} is not registered") from error
    if not isinstance(custom, type):
        raise UsageError(f"custom_model is {custom!r}; expected a class or a registered name")
    family_of(custom)
    names = [base.__name__ for base in type(config).__mro__]
    base: type = WrappedModel
    if "SACConfig" in names:
        base = WrappedSacModel
    elif "DQNConfig" in names:
        base = WrappedQModel
    return _wrapped(custom, "ray", f"Wrapped{custom.__name__}", __name__, {}, base=base)


def _reach(model: Mapping[str, Any]) -> int:
    """Return how many steps back the old wrappers look."""
    return max(
        1,
        int(model.get("attention_use_n_prev_actions") or 0),
        int(model.get("attention_use_n_prev_rewards") or 0),
    )
