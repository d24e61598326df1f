"""Integer boxes, which only the old stack has a distribution for, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.new_stack.distributions.integer_box import category_counts
from rlmigrate.new_stack.tf.distributions.base import Tensor
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic
from rlmigrate.new_stack.tf.distributions.multi_categorical import TfMultiCategorical


class TfIntegerBox(TfMultiCategorical):
    """A categorical per component: int64[B, *shape], counted from zero.

    What is sampled is added to `low` where actions are unsquashed for the environment.
    """

    _shape: tuple[int, ...] = ()

    def _box(self, flat: Tensor) -> Tensor:
        return tf.reshape(flat, tf.concat([tf.shape(flat)[:-1], self._shape], axis=0))

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        return self._box(super()._draw(sample_shape))

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-probability of actions."""
        value = tf.convert_to_tensor(value)
        batch = tf.shape(value)[: len(value.shape) - len(self._shape)]
        return super().logp(tf.reshape(value, tf.concat([batch, [len(self._cats)]], axis=0)))

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution at the most likely actions."""
        flat = super().to_deterministic().loc
        return TfDeterministic(loc=self._box(flat), event_dims=len(self._shape))

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of logits of all components together."""
        return sum(category_counts(space))

    @classmethod
    def from_logits(  # type: ignore[override]
        cls, logits: Tensor, space: Any = None, **kwargs: Any
    ) -> Any:
        """Split a net's outputs among the components."""
        made = super().from_logits(logits, input_lens=category_counts(space))
        made._shape = space.shape
        return made


def integer_box_dist_cls(space: gym.spaces.Box) -> Any:
    """Return the class for an integer Box.

    Raises ValueError if it is none, or if its components have different bounds.
    """
    category_counts(space)
    return TfIntegerBox.get_partial_dist_cls(space=space)
