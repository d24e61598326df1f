"""Integer boxes, which only the old stack has a distribution for."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.multi_categorical import TorchMultiCategorical


class TorchIntegerBox(TorchMultiCategorical):
    """A categorical per component: int[B, *shape], counted from zero.

    What is sampled is added to `low` where actions are unsquashed for the environment.
    """

    _shape: tuple[int, ...] = ()

    def _box(self, flat: torch.Tensor) -> torch.Tensor:
        return flat.reshape(*flat.shape[:-1], *self._shape)

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions."""
        return self._box(super().sample(sample_shape=sample_shape))

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-probability of actions."""
        batch = value.shape[: value.dim() - len(self._shape)]
        return super().logp(value.reshape(*batch, -1))

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the most likely actions."""
        flat = super().to_deterministic().loc
        return TorchDeterministic(loc=self._box(flat), event_dims=len(self._shape))

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of logits of all components together."""
        return sum(category_counts(space))

    @classmethod
    def from_logits(  # type: ignore[override]
        cls, logits: torch.Tensor, space: Any = None, **kwargs: Any
    ) -> Any:
        """Split the outputs among the components."""
        made = super().from_logits(logits, input_lens=category_counts(space))
        made._shape = space.shape
        return made


def integer_box_dist_cls(space: gym.spaces.Box) -> Any:
    """Return the class for an integer Box.

    Raises ValueError if it is none, or if its components have different bounds.
    """
    category_counts(space)
    return TorchIntegerBox.get_partial_dist_cls(space=space)


def category_counts(space: gym.Space[Any]) -> list[int]:
    """Return how many values each component of an integer Box can take.

    Raises ValueError if the space is none, or if its components have different bounds.
    """
    if not (isinstance(space, gym.spaces.Box) and np.issubdtype(space.dtype, np.integer)):
        raise ValueError(f"an integer Box is needed, not {space}")
    low, high = int(space.low.min()), int(space.high.max())
    if (space.low != low).any() or (space.high != high).any():
        raise ValueError(f"all components of {space} must have the same bounds")
    return [high - low + 1] * int(np.prod(space.shape))
