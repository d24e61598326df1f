"""Take nested spaces apart.

- `flatten_space`: the leaves, Dict keys sorted.
- `base_struct`: the nesting as plain dicts and tuples.
- `action_width`: how many numbers an action is, discrete parts one-hot.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Dict, Discrete, MultiDiscrete, Tuple


def flatten_space(space: gym.Space[Any]) -> list[gym.Space[Any]]:
    """List the leaves of Tuple and Dict spaces, depth first, Dict keys sorted.

    >>> flatten_space(Dict(b=Discrete(2), a=Tuple([Discrete(3)])))
    [Discrete(3), Discrete(2)]
    """
    if isinstance(space, Tuple):
        return [leaf for child in space.spaces for leaf in flatten_space(child)]
    children = getattr(space, "spaces", None)
    if isinstance(children, dict):
        return [leaf for key in sorted(children) for leaf in flatten_space(children[key])]
    return [space]


def base_struct(space: gym.Space[Any]) -> Any:
    """Give the nesting of a space as dicts and tuples, with the leaf spaces in place."""
    if isinstance(space, Tuple):
        return tuple(base_struct(child) for child in space.spaces)
    if isinstance(space, Dict):
        return {key: base_struct(child) for key, child in space.spaces.items()}
    return space


def action_width(space: gym.Space[Any]) -> int:
    """Count the numbers of an action once its discrete parts are one-hot."""
    width = 0
    for leaf in flatten_space(space):
        if isinstance(leaf, Discrete):
            # int(): torch layers refuse numpy's int64 as a size (RLlib 2.9 to 2.60 raise here).
            width += int(leaf.n)
        elif isinstance(leaf, MultiDiscrete):
            width += int(np.sum(leaf.nvec))
        elif leaf.shape is not None:
            width += int(np.prod(leaf.shape))
        else:
            raise TypeError(f"{leaf} has no fixed size; an action must have one")
    return width
