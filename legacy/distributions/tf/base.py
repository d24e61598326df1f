"""What all TF distributions share: one sample, drawn at construction."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.distributions.base import ActionDistribution
from rlmigrate.legacy.types import Tensor, TensorStruct


class TFActionDistribution(ActionDistribution):
    """An action distribution that draws its sample when it is made.

    `sample` gives the same actions however often it is called, as in RLlib, where one graph
    operation served both `sample` and `sampled_action_logp`. Subclasses give `_build_sample_op`.
    """

    def __init__(self, inputs: Tensor, model: Any) -> None:
        super().__init__(inputs, model)
        self._draw()

    def _draw(self) -> None:
        self.sample_op = self._build_sample_op()
        self.sampled_action_logp_op = self.logp(self.sample_op)

    def _build_sample_op(self) -> TensorStruct:
        """Draw actions [B, ...]."""
        raise self._missing("_build_sample_op")

    def sample(self) -> TensorStruct:
        """Give the actions that were drawn."""
        return self.sample_op

    def sampled_action_logp(self) -> Tensor:
        """Give the log-probability [B] of the actions that were drawn."""
        return self.sampled_action_logp_op
