"""Which default model serves a space."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import gymnasium as gym
from gymnasium.spaces import Box, Dict, Tuple

from rlmigrate.errors import LegacyError, UsageError
from rlmigrate.legacy.spaces import flatten_space
from rlmigrate.legacy.types import ModelConfig

TF_FRAMEWORKS = ("tf", "tf2")

# Modules under rlmigrate.legacy.models, or models.tf; loaded when asked for.
_HOMES = {
    "flat": ("fcnet", "FullyConnectedNetwork"),
    "vision": ("visionnet", "VisionNetwork"),
    "complex": ("complex_input_net", "ComplexInputNetwork"),
    "lstm": ("lstm_wrapper", "LSTMWrapper"),
    "attention": ("attention_wrapper", "AttentionWrapper"),
}


def check_framework(framework: str) -> None:
    """Raise UsageError unless the framework is one we have models for."""
    if framework != "torch" and framework not in TF_FRAMEWORKS:
        raise UsageError(
            f"framework={framework!r}: the old stack runs on 'torch' and 'tf2' (or 'tf'); "
            "JAX models are not supported"
        )


def default_model_class(obs_space: gym.Space[Any], framework: str) -> type:
    """Give the vision net for images, the complex net for structures, else the plain one."""
    return _load(_kind(obs_space), framework)


def wrapper_class(model_config: ModelConfig, framework: str) -> type | None:
    """Give the LSTM or attention wrapper that the config asks for."""
    if model_config.get("use_lstm"):
        return _load("lstm", framework)
    return _load("attention", framework) if model_config.get("use_attention") else None


def _load(kind: str, framework: str) -> type:
    module, name = _HOMES[kind]
    package = "rlmigrate.legacy.models" + (".tf" if framework in TF_FRAMEWORKS else "")
    if importlib.util.find_spec(f"{package}.{module}") is None:
        raise LegacyError(
            f"{name} is not there for framework={framework!r}; use framework='torch', or a custom "
            "model"
        )
    cls: type = getattr(importlib.import_module(f"{package}.{module}"), name)
    return cls


def _kind(space: gym.Space[Any]) -> str:
    if not isinstance(space, Box) or len(space.shape) not in (1, 3):
        return "complex"
    if len(space.shape) == 3:
        return "vision"
    original = getattr(space, "original_space", space)
    nested = isinstance(original, Dict | Tuple)
    if nested and any(_is_image(leaf) for leaf in flatten_space(original)):
        return "complex"
    return "flat"


def _is_image(space: gym.Space[Any]) -> bool:
    return isinstance(space, Box) and len(space.shape) >= 2
