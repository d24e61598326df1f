"""A slate of candidates, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.legacy.distributions.tf.categorical import Categorical
from rlmigrate.legacy.types import Tensor


class SlateMultiCategorical(Categorical):
    """One of all slates, for a MultiDiscrete space whose parts are equally large.

    inputs: float32[B, number of slates]; all_slates: int[number of slates, slate size].
    """

    def __init__(
        self,
        inputs: Tensor,
        model: Any = None,
        temperature: float = 1.0,
        action_space: gym.Space[Any] | None = None,
        all_slates: Any = None,
    ) -> None:
        sizes = set(getattr(action_space, "nvec", []))
        assert len(sizes) == 1, f"{action_space}: expected a MultiDiscrete of equal parts"
        super().__init__(inputs / temperature, model)
        self.action_space = action_space
        self.all_slates = all_slates

    def deterministic_sample(self) -> Tensor:
        """Give the likeliest slates [B, slate size]."""
        import tensorflow as tf

        return tf.gather(self.all_slates, super().deterministic_sample())

    def logp(self, x: Tensor) -> Tensor:
        """Give ones [B]; RLlib never computed it."""
        import tensorflow as tf

        return tf.ones_like(self.inputs[:, 0])
