"""Old TF action distributions behind the interface of new ones."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import tensorflow as tf
import tree

from rlmigrate.compat.wrap.old_distribution import BoundToModel, FixedAction
from rlmigrate.new_stack.tf import TfDistribution

Tensor: TypeAlias = Any


class LegacyTfDistribution(BoundToModel, TfDistribution):
    """Give an old distribution the methods of a new one, for [B, K] and [B, T, K] inputs.

    Numbers are those of the old class. As there, one sample is drawn when it is made, which
    `sample` and `rsample` return unless they are asked for more.
    """

    def __init__(self, logits: Tensor) -> None:
        self._lead = tuple(logits.shape[:-1])
        self._inputs = tf.reshape(logits, (-1, logits.shape[-1]))
        self.old = self._draw_again()
        self._sampled: object = None

    def _draw_again(self) -> Any:
        return type(self).old_class(self._inputs, self.model)

    def sample(self, *, sample_shape: Sequence[int] | None = None, **_: object) -> Any:
        """Return the action that was drawn: [B(, T), ...], or [*sample_shape, B(, T), ...]."""
        self._sampled = tree.map_structure(tf.stop_gradient, self._drawn(sample_shape))
        return self._sampled

    def rsample(self, *, sample_shape: Sequence[int] | None = None, **_: object) -> Any:
        """Return the action that was drawn, with the gradients of the old distribution.

        Raises NotImplementedError if actions, or parts of them, are integers.
        """
        drawn = self._drawn(sample_shape)
        if any(leaf.dtype.is_integer for leaf in tree.flatten(drawn)):
            raise NotImplementedError(f"{type(self.old).__name__} has no reparameterized sample")
        return drawn

    def _drawn(self, sample_shape: Sequence[int] | None) -> Any:
        if not sample_shape:
            return self._unmerge(self.old.sample())
        count = math.prod(sample_shape)
        draws = [self._unmerge(self._draw_again().sample()) for _ in range(count)]
        return tree.map_structure(
            lambda *each: tf.reshape(tf.stack(each), (*sample_shape, *each[0].shape)), *draws
        )

    def logp(self, value: Any, **_: object) -> Tensor:
        """Return the log-probability of actions: float[B(, T)], or of samples of any shape."""
        samples = self._sample_shape_of(value)
        if samples:
            each = [self.logp(action) for action in _split(value, samples)]
            return tf.reshape(tf.stack(each), (*samples, *each[0].shape))
        if value is self._sampled:
            return self._unmerge_one(self.old.sampled_action_logp())
        return self._unmerge_one(self.old.logp(self._merge(value)))

    def _sample_shape_of(self, value: Any) -> tuple[int, ...]:
        """Tell the dimensions that actions have before [B(, T), ...]."""
        nested = isinstance(self.action_space, gym.spaces.Dict | gym.spaces.Tuple)
        if nested and not isinstance(value, Mapping | Sequence):
            return ()  # one flat tensor, as the old policies stored nested actions
        drawn, given = tree.flatten(self.old.sample())[0], tree.flatten(value)[0]
        extra = len(given.shape) - (len(drawn.shape) - 1 + len(self._lead))
        return tuple(given.shape[:extra]) if extra > 0 else ()

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


def _split(actions: Any, samples: tuple[int, ...]) -> Iterator[Any]:
    """Give [*samples, B(, T), ...] one by one."""
    for at in itertools.product(*map(range, samples)):
        yield tree.map_structure(operator.itemgetter(at), actions)


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
