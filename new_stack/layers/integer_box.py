"""The distribution that RLlib's old stack had for integer Boxes, and the new one lacks."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.new_stack.distributions import TorchDeterministic, TorchMultiCategorical


class IntegerBox(TorchMultiCategorical):
    """A categorical for each number of an integer Box: int[B, *shape], counted from 0.

    RLlib adds `low` where it unsquashes actions for the environment.
    """

    shape: tuple[int, ...] = ()

    def _box(self, flat: torch.Tensor) -> torch.Tensor:
        return flat.reshape(*flat.shape[:-1], *self.shape)

    def sample(self, **kwargs: Any) -> torch.Tensor:
        """Draw actions."""
        return self._box(super().sample(**kwargs))

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-probability of actions: float32[B]."""
        batch = value.shape[: value.dim() - len(self.shape)]
        return super().logp(value.reshape(*batch, -1), **kwargs)

    def to_deterministic(self) -> Any:
        """Return the distribution at the most likely actions."""
        return TorchDeterministic(loc=self._box(super().to_deterministic().loc))

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Count the logits of all numbers together."""
        return sum(integer_box_sizes(space))

    @classmethod
    def from_logits(cls, logits: torch.Tensor, space: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Split the logits among the numbers."""
        made = super().from_logits(logits, input_lens=integer_box_sizes(space))
        made.shape = space.shape
        return made


def integer_box_sizes(space: gym.Space[Any]) -> list[int]:
    """Count the values of each number; raises ValueError where bounds differ, as the old stack."""
    assert isinstance(space, gym.spaces.Box)
    low, high = int(space.low.min()), int(space.high.max())
    if (space.low != low).any() or (space.high != high).any():
        raise ValueError(f"all numbers of {space} must have the same bounds")
    return [high - low + 1] * int(np.prod(space.shape))
