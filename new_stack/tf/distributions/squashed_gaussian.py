"""Gaussians squashed into bounds by tanh, in TF."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic
from rlmigrate.new_stack.tf.distributions.diag_gaussian import TfDiagGaussian

MIN_LOG_STD, MAX_LOG_STD = -5.0, 2.0
BOUND_MARGIN = 1e-6


class TfSquashedGaussian(TfDiagGaussian):
    """A Gaussian mapped into [low, high] by tanh, with the torch class's log-probabilities.

    Ray never had it in TF on the new stack.
    """

    def __init__(
        self, loc: Tensor, scale: Tensor = 1.0, low: float = -1.0, high: float = 1.0
    ) -> None:
        super().__init__(loc, scale)
        self.low = low
        self.high = high

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        return self._squash(super()._draw(sample_shape))

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-density of actions, exact inside the bounds."""
        raw = self._unsquash(tf.cast(value, self.loc.dtype))
        log_slope = 2.0 * (math.log(2.0) - raw - tf.nn.softplus(-2.0 * raw))
        return tf.reduce_sum(self._component_logp(raw) - log_slope, axis=-1)

    def entropy(self, **kwargs: Any) -> Tensor:
        """Raise ValueError."""
        raise ValueError("TfSquashedGaussian has no entropy()")

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        """Raise ValueError."""
        raise ValueError("TfSquashedGaussian has no kl()")

    def _squash(self, raw: Tensor) -> Tensor:
        inside = (tf.tanh(raw) + 1.0) / 2.0 * (self.high - self.low) + self.low
        return tf.clip_by_value(inside, self.low, self.high)

    def _unsquash(self, value: Tensor) -> Tensor:
        centred = (value - self.low) / (self.high - self.low) * 2.0 - 1.0
        return tf.math.atanh(tf.clip_by_value(centred, -1.0 + BOUND_MARGIN, 1.0 - BOUND_MARGIN))

    @classmethod
    def from_logits(
        cls, logits: Tensor, low: float = -1.0, high: float = 1.0, **kwargs: Any
    ) -> Any:
        """Split a net's outputs into means and log standard deviations, the latter clamped."""
        assert np.all(np.less(low, high)), f"low {low} is not below high {high}"
        loc, log_std = tf.split(logits, 2, axis=-1)
        scale = tf.exp(tf.clip_by_value(log_std, MIN_LOG_STD, MAX_LOG_STD))
        return cls(loc=loc, scale=scale, low=low, high=high)

    def to_deterministic(self) -> TfDeterministic:
        """Return the distribution at the squashed mean."""
        return TfDeterministic(loc=self._squash(self.loc), event_dims=1)
