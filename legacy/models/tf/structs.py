"""Actions and observations as flat TF tensors.

- `one_hot`: Discrete and MultiDiscrete values, `start` respected.
- `flat_action`: a structure of actions side by side, discrete parts one-hot.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tree
from gymnasium.spaces import Discrete, MultiDiscrete

from rlmigrate.legacy.types import Tensor


def one_hot(values: Tensor, space: gym.Space[Any]) -> Tensor:
    """Give float32[B, n] for Discrete(n), float32[B, sum(nvec)] for MultiDiscrete(nvec)."""
    import tensorflow as tf

    values = tf.cast(values, tf.int64)
    if isinstance(space, Discrete):
        return tf.one_hot(values - int(space.start), int(space.n))
    if isinstance(space, MultiDiscrete):
        starts = np.ravel(space.start)
        columns = tf.reshape(values, [-1, len(starts)])
        parts = [
            tf.one_hot(columns[:, number] - int(starts[number]), int(size))
            for number, size in enumerate(np.ravel(space.nvec))
        ]
        return tf.concat(parts, axis=-1)
    raise TypeError(f"one_hot: {space} is neither Discrete nor MultiDiscrete")


def flat_action(actions: Any, struct: Any) -> Tensor:
    """Give float32[B, n]: the leaves of `actions` in the order of the space's leaves."""
    import tensorflow as tf

    parts = []
    for value, space in zip(tree.flatten(actions), tree.flatten(struct), strict=True):
        if isinstance(space, Discrete | MultiDiscrete):
            parts.append(one_hot(value, space))
        else:
            size = int(np.prod(space.shape or ()))
            parts.append(tf.reshape(tf.cast(value, tf.float32), [-1, size]))
    return tf.concat(parts, axis=-1)
