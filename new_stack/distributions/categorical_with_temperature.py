"""The old stack's categorical distribution with a temperature, as DQN had it."""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.new_stack.distributions.categorical import TorchCategorical


class TorchCategoricalWithTemperature(TorchCategorical):
    """A categorical of logits divided by a temperature.

    >>> cls = TorchCategoricalWithTemperature.get_partial_dist_cls(temperature=0.5)
    """

    @classmethod
    def from_logits(cls, logits: torch.Tensor, temperature: float = 1.0, **kwargs: Any) -> Any:
        """Divide the outputs, which stay as they are; the old stack changed them in place.

        Raises AssertionError if the temperature is not positive.
        """
        assert temperature > 0.0, f"the temperature must be positive, is {temperature}"
        return cls(logits=logits if temperature == 1.0 else logits / temperature)

    @staticmethod
    def required_input_dim(space: Any, **kwargs: Any) -> int:
        """Return the number of actions."""
        return TorchCategorical.required_input_dim(space)
