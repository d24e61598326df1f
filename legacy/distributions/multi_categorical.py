"""Several independent choices: MultiDiscrete, and Box of integers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch.distributions import Categorical
from torch.distributions.kl import kl_divergence

from rlmigrate.legacy.distributions.torch_wrapper import TorchDistributionWrapper
from rlmigrate.legacy.types import ModelConfig, Tensor


class TorchMultiCategorical(TorchDistributionWrapper):
    """A Categorical for each component.

    inputs: float32[B, sum(input_lens)]; actions: int64[B, components], or [B, *shape] if the
    action space is a Box of integers (counted from 0: the policy adds `low`).
    """

    def __init__(
        self,
        inputs: Tensor,
        model: Any,
        input_lens: Iterable[int],
        action_space: gym.Space[Any] | None = None,
    ) -> None:
        super().__init__(inputs, model)
        lengths = [int(length) for length in np.ravel(np.asarray(list(input_lens)))]
        self.cats: list[Any] = [
            Categorical(logits=logits) for logits in self.inputs.split(lengths, dim=-1)
        ]
        self.action_space: Any = action_space

    def _stacked(self, parts: list[torch.Tensor]) -> torch.Tensor:
        actions = torch.stack(parts, dim=-1)
        if isinstance(self.action_space, gym.spaces.Box):
            actions = actions.reshape([-1, *self.action_space.shape])
        self.last_sample = actions
        return actions

    def sample(self) -> torch.Tensor:
        """Draw every component."""
        return self._stacked([cat.sample() for cat in self.cats])

    def deterministic_sample(self) -> torch.Tensor:
        """Give the likeliest value of every component."""
        return self._stacked([cat.probs.argmax(-1) for cat in self.cats])

    def logp(self, x: Any) -> torch.Tensor:
        """Sum the log-probabilities of the components."""
        if isinstance(x, torch.Tensor):
            if isinstance(self.action_space, gym.spaces.Box):
                x = x.reshape([-1, int(np.prod(self.action_space.shape))])
            x = torch.unbind(x, dim=-1)
        logps = [cat.log_prob(part) for cat, part in zip(self.cats, x, strict=True)]
        return torch.sum(torch.stack(logps), dim=0)

    def multi_entropy(self) -> torch.Tensor:
        """Give the entropies [B, components]."""
        return torch.stack([cat.entropy() for cat in self.cats], dim=-1)

    def entropy(self) -> torch.Tensor:
        """Sum the entropies of the components."""
        return torch.sum(self.multi_entropy(), dim=-1)

    def multi_kl(self, other: Any) -> torch.Tensor:
        """Give the KL divergences [B, components]."""
        pairs = zip(self.cats, other.cats, strict=True)
        return torch.stack([kl_divergence(mine, theirs) for mine, theirs in pairs], dim=-1)

    def kl(self, other: Any) -> torch.Tensor:
        """Sum the KL divergences of the components."""
        return torch.sum(self.multi_kl(other), dim=-1)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the values of all components."""
        if isinstance(action_space, gym.spaces.Box):
            return integer_box_choices(action_space) * int(np.prod(action_space.shape))
        return np.sum(action_space.nvec)  # type: ignore[attr-defined]


def integer_box_choices(space: gym.spaces.Box) -> int:
    """Count the values of each component of a Box of integers; all must have the same bounds."""
    low, high = int(np.min(space.low)), int(np.max(space.high))
    if np.any(space.low != low) or np.any(space.high != high):
        raise ValueError(
            f"{space}: the bounds of an integer Box must be the same for all its components; "
            "use MultiDiscrete for different ones"
        )
    return high - low + 1
