"""Old TF action distributions behind the interface of new ones."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import tensorflow as tf
import tree

from rlmigrate.compat.wrap.old_distribution import BoundToModel, FixedAction
from rlmigrate.new_stack.tf import TfDistribution

Tensor: TypeAlias = Any


class LegacyTfDistribution(BoundToModel, TfDistribution):
    """Give an old distribution the methods of a new one, for [B, K] and [B, T, K] inputs.

    Numbers are those of the old class. As there, one sample is drawn when it is made, and
    `sample` always returns it.
    """

    def __init__(self, logits: Tensor) -> None:
        self._lead = tuple(logits.shape[:-1])
        self.old = type(self).old_class(tf.reshape(logits, (-1, logits.shape[-1])), self.model)

    def sample(self, *, sample_shape: Sequence[int] | None = None, **_: object) -> Any:
        """Return the action that was drawn: [B(, T), ...].

        Raises NotImplementedError for a sample shape, for which old distributions have no place.
        """
        if sample_shape:
            raise NotImplementedError(f"{type(self.old).__name__} draws one action per row")
        return self._unmerge(self.old.sample())

    def logp(self, value: Any, **_: object) -> Tensor:
        """Return the log-probability of actions: float[B(, T)]."""
        return self._unmerge_one(self.old.logp(self._merge(value)))

    def entropy(self, **_: object) -> Tensor:
        """Return the entropy: float[B(, T)]."""
        return self._unmerge_one(self.old.entropy())

    def kl(self, other: LegacyTfDistribution, **_: object) -> Tensor:
        """Return the divergence from `other`: float[B(, T)]."""
        return self._unmerge_one(self.old.kl(other.old))

    def to_deterministic(self) -> LegacyTfGreedy:
        """Return the greedy action as a distribution of its own."""
        return LegacyTfGreedy(self._unmerge(self.old.deterministic_sample()), self._lead)

    def _unmerge_one(self, value: Tensor) -> Tensor:
        return tf.reshape(value, (*self._lead, *value.shape[1:]))

    def _unmerge(self, value: Any) -> Any:
        return value if len(self._lead) == 1 else tree.map_structure(self._unmerge_one, value)

    def _merge(self, value: Any) -> Any:
        """Fold [B, T, ...] into [B*T, ...]."""
        if len(self._lead) == 1:
            return value
        return tree.map_structure(lambda leaf: tf.reshape(leaf, (-1, *leaf.shape[2:])), value)


class LegacyTfGreedy(FixedAction, TfDistribution):
    """Always return one action, with the old stack's log-probability of zero."""

    def logp(self, value: Any, **_: object) -> Tensor:
        """Return zeros: float[B(, T)]."""
        return tf.zeros(self._lead)


def tf_action_distribution(old_class: Any, *, model: object, action_space: gym.Space[Any]) -> type:
    """Bind a new-style class to an old distribution class (or partial) and its model."""
    plain = old_class.func if isinstance(old_class, functools.partial) else old_class
    return type(
        f"Legacy{plain.__name__}",
        (LegacyTfDistribution,),
        {"old_class": staticmethod(old_class), "model": model, "action_space": action_space},
    )
