"""One of K actions, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor, TfDistribution
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic


class TfCategorical(TfDistribution):
    """A distribution over {0, ..., K-1}: logits or probs float32[..., K], actions int64[...]."""

    def __init__(self, probs: Tensor = None, logits: Tensor = None) -> None:
        if (logits is None) == (probs is None):
            raise AssertionError("give exactly one of `logits` and `probs`")
        self.probs = probs
        self.logits = logits
        self._log_scores = tf.math.log(probs) if logits is None else tf.convert_to_tensor(logits)

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        scores = self._log_scores
        count = int(tf.reduce_prod(sample_shape)) if sample_shape else 1
        flat = tf.reshape(scores, [-1, scores.shape[-1]])
        drawn = tf.transpose(tf.random.categorical(flat, count))
        return tf.reshape(drawn, tf.concat([sample_shape, tf.shape(scores)[:-1]], axis=0))

    def rsample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Tensor:
        """Draw one-hot actions whose gradient is that of the probabilities (straight-through)."""
        probs = tf.nn.softmax(self._log_scores)
        drawn = tf.one_hot(self._draw(tuple(sample_shape or ())), probs.shape[-1])
        return tf.stop_gradient(drawn - probs) + probs

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-probability of actions: [*sample_shape, ...]."""
        chosen, scores = tf.cast(value, tf.int32), self._log_scores
        if len(chosen.shape) >= len(scores.shape):
            wide = tf.concat([tf.shape(chosen), tf.shape(scores)[-1:]], axis=0)
            scores = tf.broadcast_to(scores, wide)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(logits=scores, labels=chosen)

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy."""
        logp = tf.nn.log_softmax(self._log_scores)
        return -tf.reduce_sum(tf.math.multiply_no_nan(logp, tf.exp(logp)), axis=-1)

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence."""
        mine = tf.nn.log_softmax(self._log_scores)
        theirs = tf.nn.log_softmax(other._log_scores)
        return tf.reduce_sum(tf.math.multiply_no_nan(mine - theirs, tf.exp(mine)), axis=-1)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of actions."""
        assert isinstance(space, gym.spaces.Discrete), space
        return int(space.n)

    @classmethod
    def from_logits(cls, logits: Tensor, **kwargs: Any) -> Any:
        """Take a net's outputs as logits."""
        return cls(logits=logits, **kwargs)

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution at the most likely action."""
        return TfDeterministic(loc=tf.math.argmax(self._log_scores, axis=-1))
