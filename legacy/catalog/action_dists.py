"""Which action distribution serves a space."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.catalog import registry
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.catalog.select import TF_FRAMEWORKS
from rlmigrate.legacy.distributions.base import ActionDistribution
from rlmigrate.legacy.spaces import flatten_space
from rlmigrate.legacy.types import ModelConfig


def select_action_dist(
    action_space: gym.Space[Any],
    config: ModelConfig | None,
    *,
    dist_type: Any = None,
    framework: str = "torch",
) -> tuple[Any, int]:
    """Give the distribution class (or a partial of it) and the size of its inputs."""
    config = config or MODEL_DEFAULTS
    dists = _classes(framework)
    custom = config.get("custom_action_dist")
    if custom:
        cls = custom if isinstance(custom, type) else registry.action_dists.get(custom)
        without = {key: value for key, value in config.items() if key != "custom_action_dist"}
        return _custom(cls, action_space, without, framework, dists)
    if _is_dist_class(dist_type) and not issubclass(dist_type, dists["multi"]):
        return dist_type, int(dist_type.required_model_output_shape(action_space, config))
    if isinstance(action_space, Box):
        return _for_box(action_space, config, dist_type, dists)
    if isinstance(action_space, Discrete):
        return dists["categorical"], int(action_space.n)
    if _is_dist_class(dist_type):
        return _multi(dist_type, action_space, config, framework)
    if isinstance(action_space, Tuple | Dict):
        return _multi(dists["multi"], action_space, config, framework)
    if type(action_space).__name__ == "Simplex":
        cls = dists["dirichlet"]
        return cls, int(cls.required_model_output_shape(action_space, config))
    if isinstance(action_space, MultiDiscrete):
        lens = [int(n) for n in np.ravel(action_space.nvec)]
        return partial(dists["multi_categorical"], input_lens=lens), sum(lens)
    raise UnsupportedSpace(
        f"no action distribution for {action_space} (dist_type={dist_type!r}); "
        "set model={'custom_action_dist': ...} to a registered class of your own"
    )


def action_shape(
    action_space: gym.Space[Any], *, framework: str
) -> tuple[Any, tuple[int | None, ...]]:
    """Give dtype and shape of a batch of actions, the batch size as None."""
    if isinstance(action_space, Discrete):
        return action_space.dtype, (None,)
    if isinstance(action_space, MultiDiscrete):
        return action_space.dtype, (None, *action_space.shape)
    if isinstance(action_space, Tuple | Dict):
        leaves = flatten_space(action_space)
        size = sum(int(np.prod(leaf.shape or ())) for leaf in leaves)
        discrete = all(isinstance(leaf, Discrete) for leaf in leaves)
        return _dtype("int32" if discrete else "float32", framework), (None, size)
    if isinstance(action_space, Box) or type(action_space).__name__ == "Simplex":
        kind = np.dtype(action_space.dtype).kind
        if kind in "fiu":
            name = "float32" if kind == "f" else "int32"
            return _dtype(name, framework), (None, *(action_space.shape or ()))
    raise UnsupportedSpace(f"actions of {action_space} have no tensor form")


def _classes(framework: str) -> dict[str, Any]:
    if framework in TF_FRAMEWORKS:
        dists: Any = importlib.import_module("rlmigrate.legacy.distributions.tf")
        return {
            "categorical": dists.Categorical,
            "multi_categorical": dists.MultiCategorical,
            "gaussian": dists.DiagGaussian,
            "deterministic": dists.Deterministic,
            "dirichlet": dists.Dirichlet,
            # RLlib takes torch's here for framework "tf2".
            "multi": dists.MultiActionDistribution,
        }
    from rlmigrate.legacy import distributions

    return {
        "categorical": distributions.TorchCategorical,
        "multi_categorical": distributions.TorchMultiCategorical,
        "gaussian": distributions.TorchDiagGaussian,
        "deterministic": distributions.TorchDeterministic,
        "dirichlet": distributions.TorchDirichlet,
        "multi": distributions.TorchMultiActionDistribution,
    }


def _is_dist_class(dist_type: Any) -> bool:
    return isinstance(dist_type, type) and issubclass(dist_type, ActionDistribution)


def _for_box(
    space: Box, config: ModelConfig, dist_type: Any, dists: dict[str, Any]
) -> tuple[Any, int]:
    if np.issubdtype(space.dtype, np.signedinteger):
        cls = dists["multi_categorical"]
        components = int(np.prod(space.shape))
        # int() first: in int8, 127 - -128 overflows.
        choices = int(np.max(space.high)) - int(np.min(space.low)) + 1
        lens = [choices] * components
        return partial(cls, input_lens=lens, action_space=space), components * choices
    if len(space.shape) > 1:
        raise UnsupportedSpace(
            f"no action distribution for {space}: it has {len(space.shape)} axes, at most one is "
            "supported; flatten it, use a Tuple, or set a custom_action_dist"
        )
    if dist_type == "deterministic":
        cls = dists["deterministic"]
        return cls, int(cls.required_model_output_shape(space, config))
    if dist_type is not None:
        raise UnsupportedSpace(
            f"unknown dist_type {dist_type!r} for {space}; use None, 'deterministic' or a class"
        )
    cls = dists["gaussian"]
    size = int(cls.required_model_output_shape(space, config))
    return partial(cls, action_space=space), size


def _custom(
    cls: Any,
    space: gym.Space[Any],
    config: ModelConfig,
    framework: str,
    dists: dict[str, Any],
) -> tuple[Any, int]:
    if issubclass(cls, dists["multi"]):
        return _multi(cls, space, config, framework)
    return cls, cls.required_model_output_shape(space, config)


def _multi(cls: Any, space: gym.Space[Any], config: ModelConfig, framework: str) -> tuple[Any, int]:
    leaves = [
        select_action_dist(leaf, config, framework=framework) for leaf in flatten_space(space)
    ]
    lens = [int(size) for _, size in leaves]
    children = [child for child, _ in leaves]
    multi = partial(cls, action_space=space, child_distributions=children, input_lens=lens)
    return multi, sum(lens)


def _dtype(name: str, framework: str) -> Any:
    if framework == "torch":
        import torch

        return getattr(torch, name)
    import tensorflow as tf

    return getattr(tf, name)
