"""The old stack's squashed Gaussian, whose log-probabilities are not those of the new one."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.new_stack.tf.distributions.base import Tensor
from rlmigrate.new_stack.tf.distributions.squashed_gaussian import TfSquashedGaussian

_LOGP_BOUND = 100.0
_SMALL = 1e-6


class TfOldSquashedGaussian(TfSquashedGaussian):
    """A squashed Gaussian with clamped log-probabilities, for models whose training relied on them.

    Its deterministic action is the squashed mean.
    """

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the log-density as the old stack computed it."""
        raw = self._unsquash(tf.cast(value, self.loc.dtype))
        gaussian = tf.clip_by_value(self._component_logp(raw), -_LOGP_BOUND, _LOGP_BOUND)
        slope = tf.math.log(1.0 - tf.tanh(raw) ** 2 + _SMALL)
        return tf.reduce_sum(gaussian, axis=-1) - tf.reduce_sum(slope, axis=-1)
