"""Old config dicts, as `tune.run("PPO", config={...})` took them, as Ray's AlgorithmConfig."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from rlmigrate.errors import UsageError
from rlmigrate.legacy.config.renames import current

# Ray's attribute for a key that its dicts write otherwise.
_ATTRIBUTES = {
    "lambda": "lambda_",
    "input": "input_",
    "framework": "framework_str",
    "Q_model": "q_model_config",
    "policy_model": "policy_model_config",
}
_IN_MODEL = ("vf_share_layers", "free_log_std")
_SCHEDULES = {"lr_schedule": "lr", "entropy_coeff_schedule": "entropy_coeff"}
# Said by what is done anyway: everything runs in torch and on the new stack.
_UNDERSTOOD = {
    "framework",
    "eager",
    "eager_tracing",
    "use_pytorch",
    "simple_optimizer",
    "_disable_preprocessor_api",
}
_MULTI_AGENT = ("policies", "policies_to_train", "count_steps_by")


def config_from_dict(settings: Mapping[str, Any], algorithm: str | type | None) -> Any:
    """Make Ray's AlgorithmConfig of an old dict of settings, of any release.

    `algorithm` is the name or class that the dict was for: "PPO", "PPOTrainer", PPO. Warns of
    settings that Ray has no longer. Raises UsageError without an algorithm that Ray has.
    """
    config = _empty(algorithm or settings.get("run"))
    lost: list[str] = []
    for key, value in settings.items():
        if not _set(config, key, value):
            lost.append(key)
    if lost:
        warnings.warn(
            f"left out, for Ray has no such settings today: {', '.join(sorted(lost))}",
            stacklevel=3,
        )
    return config


def _empty(algorithm: str | type | None) -> Any:
    if algorithm is None:
        raise UsageError(
            "a dict of settings does not say which algorithm it is for; pass "
            'wrap_algorithm_config(settings, algorithm="PPO")'
        )
    given = algorithm.__name__ if isinstance(algorithm, type) else algorithm
    name = re.sub(r"(Trainer|Config)$", "", given)
    try:
        home = importlib.import_module(f"ray.rllib.algorithms.{name.lower()}")
        config = getattr(home, f"{name}Config")()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"Ray has no algorithm {given!r}: {error}") from error
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    return config.framework("torch")


def _set(config: Any, key: str, value: Any) -> bool:
    """Set one setting; tell whether there is a place for it."""
    if key in _UNDERSTOOD or key == "run":
        return True
    if key == "multiagent":
        _set_multi_agent(config, value)
    elif key == "model" or key in _IN_MODEL:
        config.training(model=dict(value) if key == "model" else {key: value})
    elif key == "env_config":
        config.environment(env_config=dict(value))
    elif key in _SCHEDULES:
        if value is not None:
            setattr(config, _SCHEDULES[key], [list(point) for point in value])
    elif key == "num_gpus":
        config.learners(num_gpus_per_learner=value)
    elif key == "exploration_config":
        config.exploration_config = _on_top(config.exploration_config or {}, dict(value or {}))
    elif key == "callbacks" and not isinstance(value, type):
        return False
    else:
        name = current(key)
        name = _ATTRIBUTES.get(name, "callbacks_class" if key == "callbacks" else name)
        if name.startswith("__") or name not in vars(config):
            return False
        setattr(config, name, _on_top(getattr(config, name), value))
    return True


def _on_top(default: Any, given: Any) -> Any:
    """Merge a dict into the default one, as the old stack did, unless its type is another."""
    if not isinstance(default, dict) or not isinstance(given, Mapping):
        return given
    same = given.get("type", default.get("type")) == default.get("type")
    return {**default, **given} if same else dict(given)


def _set_multi_agent(config: Any, value: Mapping[str, Any]) -> None:
    given = {key: value[key] for key in _MULTI_AGENT if value.get(key) is not None}
    if isinstance(given.get("policies_to_train"), str):
        given["policies_to_train"] = [given["policies_to_train"]]
    mapping = value.get("policy_mapping_fn")
    if mapping is not None:
        given["policy_mapping_fn"] = functools.partial(_map, mapping)
    config.multi_agent(**given)


def _map(mapping: Callable[..., str], agent_id: Any, *others: Any, **named: Any) -> str:
    """Call a mapping function with as much as it takes: (agent), (agent, episode, worker) ..."""
    parameters = inspect.signature(mapping).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    accepts_named = any(p.kind is p.VAR_KEYWORD for p in parameters)
    room = [None] * sum(1 for p in positional[1:] if p.default is p.empty)
    given = [*others, *room][: len(positional) - 1] if others else room
    return mapping(agent_id, *given, **(named if accepts_named else {}))
