"""A choice among slates."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.legacy.distributions.categorical import TorchCategorical
from rlmigrate.legacy.types import Tensor


class TorchSlateMultiCategorical(TorchCategorical):
    """One of `all_slates`, each a list of different candidates, as SlateQ picks them.

    inputs: float32[B, S]; all_slates: int64[S, slate size]; the action space is a MultiDiscrete
    with the same number of candidates in each place. `sample` gives slates' indices [B], as
    RLlib does, `deterministic_sample` the slates themselves [B, slate size].
    """

    def __init__(
        self,
        inputs: Tensor,
        model: Any = None,
        temperature: float = 1.0,
        action_space: Any = None,
        all_slates: torch.Tensor | None = None,
    ) -> None:
        assert temperature > 0.0, f"temperature is {temperature}, expected more than 0"
        super().__init__(inputs / temperature, model)
        assert isinstance(action_space, gym.spaces.MultiDiscrete), action_space
        assert len(np.unique(action_space.nvec)) == 1, (
            f"{action_space}: every place of a slate must have the same candidates"
        )
        self.action_space = action_space
        self.all_slates = all_slates

    def deterministic_sample(self) -> torch.Tensor:
        """Give the likeliest slates."""
        index = super().deterministic_sample()
        assert self.all_slates is not None, "all_slates was not given"
        # RLlib's torch version gathers along the wrong axis and raises.
        return self.all_slates[index.long()]

    def logp(self, x: Any) -> torch.Tensor:
        """Give ones [B]: RLlib never implemented it, and SlateQ does not use it."""
        return torch.ones_like(self.inputs[:, 0])
