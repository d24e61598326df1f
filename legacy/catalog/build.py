"""Build models from a model config."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.spaces import Dict, Tuple

from rlmigrate.errors import UsageError
from rlmigrate.legacy.catalog import registry
from rlmigrate.legacy.catalog.mix import with_interface, wrapped
from rlmigrate.legacy.catalog.select import (
    TF_FRAMEWORKS,
    check_framework,
    default_model_class,
    wrapper_class,
)
from rlmigrate.legacy.models.modelv2 import ModelV2
from rlmigrate.legacy.types import ModelConfig

# By this text RLlib tells a constructor that takes no custom arguments from one that fails.
_UNEXPECTED_ARGUMENT = "__init__() got an unexpected "


def build_model(
    obs_space: gym.Space[Any],
    action_space: gym.Space[Any],
    num_outputs: int | None,
    model_config: ModelConfig,
    *,
    framework: str,
    name: str,
    model_interface: type | None,
    default_model: type | None,
    model_kwargs: Mapping[str, Any],
) -> Any:
    """Build the custom or default model, mixed with its interface and wrapper."""
    check_framework(framework)
    check_config(model_config, action_space)
    spaces = (obs_space, action_space, num_outputs)
    custom = model_config.get("custom_model")
    if not custom:
        cls = default_model or default_model_class(obs_space, framework)
        cls = _wrapped(cls, model_config, framework)
        cls = with_interface(cls, model_interface)
        if _is_keras_model(cls, framework):
            return _build_keras_model(cls, spaces, name, {**model_kwargs, **model_config})
        return cls(*spaces, model_config, name, **model_kwargs)

    kwargs = {**model_kwargs, **model_config.get("custom_model_config", {})}
    if isinstance(custom, str) and "." in custom:
        # RLlib gives such a class its own settings as the whole model config; weights that were
        # trained this way need the same.
        return _import(custom)(
            obs_space=obs_space,
            action_space=action_space,
            num_outputs=num_outputs,
            model_config=kwargs,
            name=name,
        )
    cls = custom if isinstance(custom, type) else registry.models.get(custom)
    if _is_keras_model(cls, framework):
        return _build_keras_model(cls, spaces, name, kwargs)
    if not issubclass(cls, ModelV2):
        raise UsageError(
            f"model config: custom_model={custom!r} is {cls.__module__}.{cls.__qualname__}, "
            "expected a subclass of ModelV2 (or, for TF, of keras.Model)"
        )
    cls = with_interface(cls, model_interface)
    cls = _wrapped(cls, model_config, framework)
    return _construct(cls, (*spaces, model_config, name), kwargs, model_kwargs)


def check_config(model_config: Mapping[str, Any], action_space: gym.Space[Any]) -> None:
    """Raise UsageError for settings that exclude each other or are gone."""
    if model_config.get("custom_preprocessor") is not None:
        raise UsageError(
            "model config: custom_preprocessor is not supported since Ray 2.0; wrap the "
            "environment in a gymnasium.ObservationWrapper instead"
        )
    if model_config.get("use_lstm") and model_config.get("use_attention"):
        raise UsageError("model config: use_lstm and use_attention are both set; choose one")
    previous_actions = [
        key
        for key in ("lstm_use_prev_action", "attention_use_n_prev_actions")
        if model_config.get(key)
    ]
    if (
        previous_actions
        and isinstance(action_space, Tuple | Dict)
        and not model_config.get("_disable_action_flattening")
    ):
        raise UsageError(
            f"model config: {previous_actions[0]} with the action space {action_space} needs "
            "_disable_action_flattening=True"
        )


def _wrapped(cls: type, model_config: ModelConfig, framework: str) -> type:
    wrapper = wrapper_class(model_config, framework)
    return cls if wrapper is None else wrapped(cls, wrapper)


def _construct(
    cls: type, args: tuple[Any, ...], kwargs: dict[str, Any], fallback: Mapping[str, Any]
) -> Any:
    """Call with the custom arguments; if the constructor does not take them, without."""
    try:
        return cls(*args, **kwargs)
    except TypeError as error:
        if _UNEXPECTED_ARGUMENT not in str(error):
            raise
    warnings.warn(
        f"{cls.__name__}.__init__ does not take the keys of custom_model_config "
        f"({', '.join(sorted(kwargs))}) as arguments; it is built without them",
        stacklevel=4,
    )
    return cls(*args, **fallback)


def _is_keras_model(cls: type, framework: str) -> bool:
    if framework not in TF_FRAMEWORKS or issubclass(cls, ModelV2):
        return False
    import tensorflow as tf

    return issubclass(cls, tf.keras.Model)


def _build_keras_model(
    cls: type, spaces: tuple[Any, Any, Any], name: str, kwargs: Mapping[str, Any]
) -> Any:
    obs_space, action_space, num_outputs = spaces
    return cls(
        input_space=obs_space,
        action_space=action_space,
        num_outputs=num_outputs,
        name=name,
        **kwargs,
    )


def _import(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"model config: custom_model={path!r} cannot be imported ({error}); expected "
            "'package.module.ClassName'"
        ) from error
