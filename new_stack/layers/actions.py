"""The action distribution that RLlib's old stack chose by itself."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tree

from rlmigrate.new_stack.distributions import (
    TorchCategorical,
    TorchDiagGaussian,
    TorchMultiCategorical,
    TorchMultiDistribution,
)
from rlmigrate.new_stack.layers.integer_box import IntegerBox


def action_distribution(space: gym.Space[Any]) -> Any:
    """Return the distribution class for an action space; its `required_input_dim` sizes the head.

    Discrete: categorical. Box: Gaussian. MultiDiscrete and integer Box: categorical per number.
    Tuple and Dict: one distribution per part. Raises ValueError for other spaces.
    """
    if isinstance(space, gym.spaces.Discrete):
        return TorchCategorical
    if isinstance(space, gym.spaces.Box) and np.issubdtype(space.dtype, np.floating):
        return TorchDiagGaussian
    if isinstance(space, gym.spaces.Box):
        return IntegerBox.get_partial_dist_cls(space=space)
    if isinstance(space, gym.spaces.MultiDiscrete):
        return TorchMultiCategorical.get_partial_dist_cls(
            space=space, input_lens=[int(n) for n in space.nvec.reshape(-1)]
        )
    if isinstance(space, gym.spaces.Tuple | gym.spaces.Dict):
        return multi_distribution(TorchMultiDistribution, space)
    raise ValueError(f"no action distribution for {space}; set self.action_dist_cls in setup()")


def multi_distribution(base: type[TorchMultiDistribution], space: gym.Space[Any]) -> Any:
    """Return `base` for an action space, with RLlib's choice for each of its parts."""
    parts = structure_of(space)
    sizes = [action_distribution(s).required_input_dim(space=s) for s in tree.flatten(parts)]
    return base.get_partial_dist_cls(
        space=space,
        child_distribution_cls_struct=tree.map_structure(action_distribution, parts),
        input_lens=sizes,
    )


def structure_of(space: gym.Space[Any]) -> Any:
    """Return the parts of a space in plain dicts and tuples."""
    if isinstance(space, gym.spaces.Dict):
        return {key: structure_of(part) for key, part in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(structure_of(part) for part in space.spaces)
    return space
