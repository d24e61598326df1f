"""Several categorical actions at once, in TF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, MultiDiscrete

from rlmigrate.legacy.distributions.base import ActionDistribution
from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.distributions.tf.categorical import Categorical
from rlmigrate.legacy.types import ModelConfig, Tensor


class MultiCategorical(TFActionDistribution):
    """One categorical for each component of a MultiDiscrete or integer Box action.

    inputs: float32[B, sum(input_lens)]; actions: int64[B, n], or in the shape of the Box.
    """

    def __init__(
        self,
        inputs: Tensor,
        model: Any,
        input_lens: Sequence[int],
        action_space: gym.Space[Any] | None = None,
    ) -> None:
        import tensorflow as tf

        ActionDistribution.__init__(self, inputs, model)
        parts = tf.split(inputs, [int(n) for n in input_lens], axis=1)
        self.cats = [Categorical(part, model) for part in parts]
        self.action_space: Any = action_space
        if action_space is None:
            self.action_space = MultiDiscrete([int(n) for n in input_lens])
        self._draw()

    def _build_sample_op(self) -> Tensor:
        return self._shaped([cat.sample() for cat in self.cats])

    def deterministic_sample(self) -> Tensor:
        """Give the likeliest action of each component."""
        return self._shaped([cat.deterministic_sample() for cat in self.cats])

    def _shaped(self, actions: list[Tensor]) -> Tensor:
        import tensorflow as tf

        stacked = tf.stack(actions, axis=1)
        if not isinstance(self.action_space, Box):
            return stacked
        # RLlib's actions of integer boxes count from 0; `low` is added when they are unsquashed.
        return tf.cast(tf.reshape(stacked, [-1, *self.action_space.shape]), self.action_space.dtype)

    def logp(self, x: Any) -> Tensor:
        """Sum the log-probabilities of the components."""
        import tensorflow as tf

        if isinstance(x, tf.Tensor | np.ndarray):
            flat = tf.reshape(tf.cast(x, tf.int32), [-1, len(self.cats)])
            x = tf.unstack(flat, axis=1)
        logps = [cat.logp(action) for cat, action in zip(self.cats, x, strict=True)]
        return tf.reduce_sum(tf.stack(logps), axis=0)

    def multi_entropy(self) -> Tensor:
        """Give the entropies [B, n]."""
        import tensorflow as tf

        return tf.stack([cat.entropy() for cat in self.cats], axis=1)

    def entropy(self) -> Tensor:
        """Sum the entropies of the components."""
        import tensorflow as tf

        return tf.reduce_sum(self.multi_entropy(), axis=1)

    def multi_kl(self, other: Any) -> Tensor:
        """Give the KL divergences [B, n]."""
        import tensorflow as tf

        pairs = zip(self.cats, other.cats, strict=True)
        return tf.stack([mine.kl(theirs) for mine, theirs in pairs], axis=1)

    def kl(self, other: Any) -> Tensor:
        """Sum the KL divergences of the components."""
        import tensorflow as tf

        return tf.reduce_sum(self.multi_kl(other), axis=1)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the logits of all components."""
        if isinstance(action_space, Box):
            choices = int(np.max(action_space.high)) - int(np.min(action_space.low)) + 1
            return int(np.prod(action_space.shape)) * choices
        return int(np.sum(action_space.nvec))  # type: ignore[attr-defined]
