"""The distribution class that serves an action space."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tree

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.new_stack.distributions.categorical import TorchCategorical
from rlmigrate.new_stack.distributions.diag_gaussian import TorchDiagGaussian
from rlmigrate.new_stack.distributions.multi import TorchMultiDistribution
from rlmigrate.new_stack.distributions.multi_categorical import TorchMultiCategorical


def dist_cls_for(space: gym.Space[Any]) -> Any:
    """Return the class that RLlib's catalog picks for a space.

    >>> dist_cls_for(gym.spaces.Discrete(3)).__name__
    'TorchCategorical'

    Raises ValueError for an integer Box and UnsupportedSpace (a NotImplementedError) for spaces
    without a distribution.
    """
    if isinstance(space, gym.spaces.Box):
        check_box(space, "rlmigrate.new_stack.distributions")
        return TorchDiagGaussian
    if isinstance(space, gym.spaces.Discrete):
        return TorchCategorical
    if isinstance(space, gym.spaces.MultiDiscrete):
        return TorchMultiCategorical.get_partial_dist_cls(
            space=space, input_lens=[int(n) for n in space.nvec]
        )
    if isinstance(space, (gym.spaces.Tuple, gym.spaces.Dict)):
        return _multi(space, dist_cls_for)
    raise UnsupportedSpace(f"no action distribution for the space {space}")


def _multi(space: gym.Space[Any], choose: Any) -> Any:
    spaces = space_struct(space)
    classes = tree.map_structure(choose, spaces)
    lens = [
        int(cls.required_input_dim(part))
        for cls, part in zip(tree.flatten(classes), tree.flatten(spaces), strict=True)
    ]
    return TorchMultiDistribution.get_partial_dist_cls(
        space=space, child_distribution_cls_struct=classes, input_lens=lens
    )


def check_box(space: gym.spaces.Box, distributions: str) -> None:
    """Refuse the boxes that RLlib's catalog has no distribution for.

    Raises ValueError for an integer Box, naming the function of the module `distributions` that
    has one, and UnsupportedSpace for one of several dimensions.
    """
    if np.issubdtype(space.dtype, np.integer):
        raise ValueError(
            f"no distribution for the integer space {space}; use MultiDiscrete, a float Box or "
            f"{distributions}.integer_box_dist_cls()"
        )
    if len(space.shape) > 1:
        raise UnsupportedSpace(
            f"no distribution for {space} of {len(space.shape)} dimensions; flatten it, use a "
            "Tuple space or a distribution of your own"
        )


def space_struct(space: gym.Space[Any]) -> Any:
    """Return Tuple and Dict spaces as tuples and dicts of the others."""
    if isinstance(space, gym.spaces.Tuple):
        return tuple(space_struct(part) for part in space.spaces)
    if isinstance(space, gym.spaces.Dict):
        return {key: space_struct(part) for key, part in space.spaces.items()}
    return space
