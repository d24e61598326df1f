"""Helpers of TF losses, under RLlib's names.

explained_variance       how much of the variance of targets a prediction explains
huber_loss, l2_loss      losses
reduce_mean_ignore_inf   a mean that leaves masked entries out
"""

from __future__ import annotations

import tensorflow as tf

from rlmigrate.legacy.types import Tensor


def explained_variance(y: Tensor, pred: Tensor) -> Tensor:
    """Give 1 - Var(y - pred) / Var(y) over the first axis, at least -1."""
    _, variance = tf.nn.moments(y, axes=[0])
    _, rest = tf.nn.moments(y - pred, axes=[0])
    return tf.maximum(-1.0, 1 - (rest / (variance + 1e-6)))


def huber_loss(x: Tensor, delta: float = 1.0) -> Tensor:
    """Give x**2 / 2 where |x| < delta, and a line beyond, element by element."""
    return tf.where(tf.abs(x) < delta, tf.math.square(x) * 0.5, delta * (tf.abs(x) - 0.5 * delta))


def l2_loss(x: Tensor) -> Tensor:
    """Give half of the sum of squares."""
    return 0.5 * tf.reduce_sum(tf.pow(x, 2.0))


def reduce_mean_ignore_inf(x: Tensor, axis: int | None = None) -> Tensor:
    """Give the mean of what is not float32's least number, with which actions are masked."""
    mask = tf.not_equal(x, tf.float32.min)
    kept = tf.where(mask, x, tf.zeros_like(x))
    count = tf.reduce_sum(tf.cast(mask, tf.float32), axis)
    return tf.math.reduce_sum(kept, axis) / count
