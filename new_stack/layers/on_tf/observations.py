"""What the preprocessors of RLlib's old stack made of observations, for models of TensorFlow."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf


def tf_preprocess(obs: Any, space: gym.Space[Any]) -> Any:
    """Return a batch of observations as old TF models saw it in `input_dict["obs"]`.

    A Box becomes float32, the memory of an Atari (128 numbers) is scaled to -1..1. Discrete
    numbers become one-hot, parts of a Dict or Tuple float32. Raises ValueError for an Atari screen.

    obs: number[B, ...] or a dict or tuple of them -> the same structure.
    """
    if isinstance(space, gym.spaces.Dict):
        return {key: tf_preprocess(obs[key], part) for key, part in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(
            tf_preprocess(each, part) for each, part in zip(obs, space.spaces, strict=True)
        )
    if isinstance(space, gym.spaces.Discrete):
        return tf.one_hot(tf.cast(obs, tf.int64) - int(space.start), int(space.n))
    if isinstance(space, gym.spaces.MultiDiscrete):
        sizes = [int(n) for n in space.nvec.reshape(-1)]
        starts = [int(n) for n in space.start.reshape(-1)]
        columns = tf.reshape(tf.cast(obs, tf.int64), [-1, len(sizes)])
        one_hot = [
            tf.one_hot(columns[:, i] - start, size)
            for i, (size, start) in enumerate(zip(sizes, starts, strict=True))
        ]
        return tf.concat(one_hot, axis=-1)
    if space.shape == (210, 160, 3):
        raise ValueError(
            "observations of (210, 160, 3) are Atari screens, which RLlib's old stack scaled down "
            "before the model saw them; scale them down in the environment"
        )
    obs = tf.cast(obs, tf.float32)
    return (obs - 128) / 128 if space.shape == (128,) else obs


def tf_flatten(obs: Any, space: gym.Space[Any]) -> tf.Tensor:
    """Return a batch of observations as old TF models saw it in `input_dict["obs_flat"]`.

    obs: number[B, ...] or a dict or tuple of them -> float[B, n], parts in the order of the space.
    """
    if isinstance(space, gym.spaces.Dict):
        return tf.concat([tf_flatten(obs[key], part) for key, part in space.spaces.items()], 1)
    if isinstance(space, gym.spaces.Tuple):
        parts = zip(obs, space.spaces, strict=True)
        return tf.concat([tf_flatten(each, part) for each, part in parts], 1)
    prepared = tf_preprocess(obs, space)
    return tf.reshape(prepared, [tf.shape(prepared)[0], -1])


def tf_flatten_rows(x: Any) -> tf.Tensor:
    """number[B, ...] -> number[B, n]."""
    return tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])


def tf_one_hot(x: Any, space: gym.Space[Any]) -> tf.Tensor:
    """Write numbers of a Discrete or MultiDiscrete space as float32[B, ..., n] of ones and zeros.

    Raises ValueError for other spaces.
    """
    if isinstance(space, gym.spaces.Discrete):
        return tf.one_hot(x, int(space.n), dtype=tf.float32)
    if not isinstance(space, gym.spaces.MultiDiscrete):
        raise ValueError(f"{space} has no numbers to write as ones and zeros")
    sizes = [int(n) for n in space.nvec.reshape(-1)]
    columns = [tf.one_hot(x[:, i], size, dtype=tf.float32) for i, size in enumerate(sizes)]
    return tf.concat(columns, axis=-1)
