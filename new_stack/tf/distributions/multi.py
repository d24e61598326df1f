"""A distribution for each part of a nested action, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import tensorflow as tf
import tree

from rlmigrate.new_stack.tf.distributions.base import Tensor, TfDistribution
from rlmigrate.new_stack.tf.distributions.categorical import TfCategorical
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic
from rlmigrate.new_stack.tf.distributions.multi_categorical import TfMultiCategorical


class TfMultiDistribution(TfDistribution):
    """Independent distributions, nested as the action space (Tuple, Dict) is.

    The order of the flat inputs is the tree's: keys of dicts are sorted.
    """

    def __init__(self, child_distribution_struct: Any) -> None:
        self._original_struct = child_distribution_struct
        self._flat_child_distributions: list[Any] = tree.flatten(child_distribution_struct)

    def sample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Any:
        """Draw actions, nested."""
        return self._nest(
            [child.sample(sample_shape=sample_shape) for child in self._flat_child_distributions]
        )

    def rsample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Any:
        """Draw actions that gradients flow through, nested."""
        return self._nest(
            [child.rsample(sample_shape=sample_shape) for child in self._flat_child_distributions]
        )

    def logp(self, value: Any, **kwargs: Any) -> Tensor:
        """Return the log-probability of nested actions, or of flat ones: [B, total width]."""
        children = self._flat_child_distributions
        if isinstance(value, tf.Tensor):
            parts = tf.split(value, [_width(child) for child in children], axis=-1)
        else:
            parts = tree.flatten(value)
        logps = [
            child.logp(_without_width_one(child, tf.convert_to_tensor(part)))
            for child, part in zip(children, parts, strict=True)
        ]
        return tf.add_n(logps)

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence."""
        pairs = zip(self._flat_child_distributions, other._flat_child_distributions, strict=True)
        return tf.add_n([child.kl(peer) for child, peer in pairs])

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy."""
        return tf.add_n([child.entropy() for child in self._flat_child_distributions])

    @staticmethod
    def required_input_dim(space: gym.Space[Any], input_lens: Any = (), **kwargs: Any) -> int:
        """Return the number of inputs of all parts together."""
        return sum(int(length) for length in tree.flatten(input_lens))

    @classmethod
    def from_logits(
        cls,
        logits: Tensor,
        child_distribution_cls_struct: Any = None,
        input_lens: Any = (),
        **kwargs: Any,
    ) -> Any:
        """Split the outputs among the parts: float32[B, sum(input_lens)]."""
        classes = tree.flatten(child_distribution_cls_struct)
        parts = tf.split(logits, [int(n) for n in tree.flatten(input_lens)], axis=-1)
        children = [child.from_logits(part) for child, part in zip(classes, parts, strict=True)]
        return cls(tree.unflatten_as(child_distribution_cls_struct, children))

    def to_deterministic(self) -> TfMultiDistribution:
        """Return the distribution at the most likely action of each part."""
        return TfMultiDistribution(
            self._nest([child.to_deterministic() for child in self._flat_child_distributions])
        )

    def _nest(self, flat: list[Any]) -> Any:
        return tree.unflatten_as(self._original_struct, flat)


def _width(child: Any) -> int:
    """Return how many columns a child's actions take in a flat action tensor."""
    if isinstance(child, TfMultiCategorical):
        return len(child._cats)
    if isinstance(child, TfCategorical) or not getattr(child, "event_dims", 1):
        return 1
    sample = child.loc if hasattr(child, "loc") else child.sample()
    return 1 if len(sample.shape) == 1 else int(sample.shape[-1])


def _without_width_one(child: Any, value: Tensor) -> Tensor:
    """Drop the last axis of a categorical's actions that come as [B, 1]."""
    if isinstance(child, TfCategorical):
        batch_dims = len(child._log_scores.shape) - 1
    elif isinstance(child, TfDeterministic) and not child.event_dims:
        batch_dims = len(child.loc.shape)
    else:
        return value
    wide = len(value.shape) > batch_dims and value.shape[-1] == 1
    return tf.squeeze(value, axis=-1) if wide else value
