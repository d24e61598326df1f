"""Tuple and Dict actions, in TF."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import gymnasium as gym
import numpy as np
import tree

from rlmigrate.legacy.distributions.base import ActionDistribution
from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.distributions.tf.categorical import Categorical
from rlmigrate.legacy.spaces import base_struct, flatten_space
from rlmigrate.legacy.types import ModelConfig, Tensor, TensorStruct


class MultiActionDistribution(TFActionDistribution):
    """One distribution for each leaf of a Tuple or Dict space, independent of each other.

    inputs: float32[B, sum(input_lens)], in the order of `flatten_space`. Actions come in the
    structure of the space; `logp` also takes one tensor [B, n] with the leaves side by side.
    """

    def __init__(
        self,
        inputs: Tensor,
        model: Any,
        *,
        child_distributions: Any,
        input_lens: Any,
        action_space: gym.Space[Any],
        **kwargs: Any,
    ) -> None:
        import tensorflow as tf

        ActionDistribution.__init__(self, inputs, model)
        self.action_space_struct = base_struct(action_space)
        self._leaves = flatten_space(action_space)
        self.input_lens = [int(length) for length in tree.flatten(input_lens)]
        parts = tf.split(inputs, self.input_lens, axis=1)
        self.flat_child_distributions = [
            child(part, model, **kwargs)
            for child, part in zip(tree.flatten(child_distributions), parts, strict=True)
        ]

    def sample(self) -> TensorStruct:
        """Give the drawn actions in the structure of the space."""
        return self._structured([child.sample() for child in self.flat_child_distributions])

    def deterministic_sample(self) -> TensorStruct:
        """Give each leaf's likeliest, or mean, action in the structure of the space."""
        return self._structured(
            [child.deterministic_sample() for child in self.flat_child_distributions]
        )

    def _structured(self, parts: list[Tensor]) -> TensorStruct:
        return tree.unflatten_as(self.action_space_struct, parts)

    def logp(self, x: Any) -> Tensor:
        """Sum the log-probabilities of the leaves."""
        import tensorflow as tf

        if isinstance(x, tf.Tensor | np.ndarray):
            parts = tf.split(x, self._action_sizes(), axis=1)
        else:
            parts = tree.flatten(x)
        logps = []
        for child, part in zip(self.flat_child_distributions, parts, strict=True):
            if isinstance(child, Categorical):
                part = tf.cast(tf.squeeze(part, axis=-1) if len(part.shape) > 1 else part, tf.int32)
            logps.append(child.logp(part))
        return reduce(add, logps)

    def _action_sizes(self) -> list[int]:
        return [int(np.prod(leaf.shape or ())) for leaf in self._leaves]

    def sampled_action_logp(self) -> Tensor:
        """Sum the log-probabilities of the drawn actions."""
        return reduce(add, [c.sampled_action_logp() for c in self.flat_child_distributions])

    def entropy(self) -> Tensor:
        """Sum the entropies of the leaves."""
        return reduce(add, [child.entropy() for child in self.flat_child_distributions])

    def kl(self, other: Any) -> Tensor:
        """Sum the KL divergences of the leaves."""
        pairs = zip(self.flat_child_distributions, other.flat_child_distributions, strict=True)
        return reduce(add, [mine.kl(theirs) for mine, theirs in pairs])

    def required_model_output_shape(  # type: ignore[override]
        self, action_space: gym.Space[Any], model_config: ModelConfig
    ) -> Any:
        """Count the inputs of all leaves."""
        return sum(self.input_lens)
