"""Several categoricals at once, for MultiDiscrete, in TF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor, TfDistribution
from rlmigrate.new_stack.tf.distributions.categorical import TfCategorical
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic


class TfMultiCategorical(TfDistribution):
    """Independent categoricals; actions are int64[B, number of categoricals]."""

    def __init__(self, categoricals: Sequence[TfCategorical]) -> None:
        self._cats = list(categoricals)

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        return tf.stack([cat._draw(sample_shape) for cat in self._cats], axis=-1)

    def rsample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Tensor:
        """Draw one-hot actions, which works where all categoricals are of one size."""
        return tf.stack([cat.rsample(sample_shape=sample_shape) for cat in self._cats], axis=-1)

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-probability of actions."""
        parts = tf.unstack(tf.cast(value, tf.int32), num=len(self._cats), axis=-1)
        return tf.add_n([cat.logp(part) for cat, part in zip(self._cats, parts, strict=True)])

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy."""
        return tf.add_n([cat.entropy() for cat in self._cats])

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence."""
        pairs = zip(self._cats, other._cats, strict=True)
        return tf.add_n([cat.kl(peer) for cat, peer in pairs])

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of logits of all categoricals together."""
        assert isinstance(space, gym.spaces.MultiDiscrete), space
        return int(np.sum(space.nvec))

    @classmethod
    def from_logits(cls, logits: Tensor, input_lens: Sequence[int] = (), **kwargs: Any) -> Any:
        """Split the outputs: float32[B, sum(input_lens)]."""
        parts = tf.split(logits, [int(length) for length in input_lens], axis=-1)
        return cls([TfCategorical(logits=part) for part in parts])

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution at the most likely actions."""
        best = [cat.to_deterministic().loc for cat in self._cats]
        return TfDeterministic(loc=tf.stack(best, axis=-1), event_dims=1)
