"""Tuple and Dict actions as distributions of the old stack saw them: side by side, part by part."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
import tree

from rlmigrate.new_stack.distributions import TorchMultiDistribution
from rlmigrate.new_stack.layers.actions import multi_distribution, structure_of


class MultiActionDistribution(TorchMultiDistribution):
    """One distribution for each part of an action, with the attributes that the old class had.

    `flat_child_distributions` are the parts in the order of `action_space_struct`.
    """

    action_space_struct: Any = None

    @property
    def flat_child_distributions(self) -> list[Any]:
        """The distributions of the parts."""
        return self._flat_child_distributions

    @classmethod
    def from_logits(cls, logits: torch.Tensor, space: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Split the outputs among the parts: float[B, sum(input_lens)]."""
        made = super().from_logits(logits, **kwargs)
        made.action_space_struct = structure_of(space)
        return made

    @classmethod
    def for_space(cls, space: gym.Space[Any]) -> Any:
        """Return the class for an action space."""
        return multi_distribution(cls, space)


def flat_actions(actions: Any) -> torch.Tensor:
    """Put the parts of Tuple and Dict actions side by side, as the old stack stored them.

    actions: tensors [B, ...] or [B], nested, or one tensor, which stays -> [B, n].
    """
    if isinstance(actions, torch.Tensor):
        return actions
    parts = [torch.as_tensor(part) for part in tree.flatten(actions)]
    return torch.cat([part.reshape(len(part), -1) for part in parts], dim=-1)
