"""The old stack's categorical distribution with a temperature, as DQN had it, in TF."""

from __future__ import annotations

from typing import Any

from rlmigrate.new_stack.tf.distributions.base import Tensor
from rlmigrate.new_stack.tf.distributions.categorical import TfCategorical


class TfCategoricalWithTemperature(TfCategorical):
    """A categorical of logits divided by a temperature.

    >>> cls = TfCategoricalWithTemperature.get_partial_dist_cls(temperature=0.5)
    """

    @classmethod
    def from_logits(cls, logits: Tensor, temperature: float = 1.0, **kwargs: Any) -> Any:
        """Divide a net's outputs: float32[B, K].

        Raises AssertionError if the temperature is not positive.
        """
        assert temperature > 0.0, f"the temperature must be positive, is {temperature}"
        return cls(logits=logits / temperature)
