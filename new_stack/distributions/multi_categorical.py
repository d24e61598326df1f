"""Several categoricals at once, for MultiDiscrete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.new_stack.distributions.categorical import TorchCategorical
from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.distribution import Distribution


class TorchMultiCategorical(Distribution):
    """Independent categoricals; actions are int[B, number of categoricals]."""

    def __init__(self, categoricals: Sequence[TorchCategorical]) -> None:
        self._cats = list(categoricals)

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> torch.Tensor:
        """Draw actions."""
        return torch.stack([cat.sample(sample_shape=sample_shape) for cat in self._cats], dim=-1)

    def rsample(self, sample_shape: Any = (), **kwargs: Any) -> torch.Tensor:
        """Draw one-hot actions, which works where all categoricals are of one size."""
        return torch.stack([cat.rsample(sample_shape) for cat in self._cats], dim=-1)

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-probability of actions."""
        parts = zip(self._cats, torch.unbind(value, dim=-1), strict=True)
        return torch.stack([cat.logp(actions) for cat, actions in parts]).sum(dim=0)

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Return the entropy."""
        return torch.stack([cat.entropy() for cat in self._cats], dim=-1).sum(dim=-1)

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Return the Kullback-Leibler divergence."""
        pairs = zip(self._cats, other._cats, strict=True)
        return torch.stack([cat.kl(peer) for cat, peer in pairs], dim=-1).sum(dim=-1)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of logits of all categoricals together."""
        assert isinstance(space, gym.spaces.MultiDiscrete), space
        return int(np.sum(space.nvec))

    @classmethod
    def from_logits(
        cls,
        logits: torch.Tensor,
        input_lens: Sequence[int] = (),
        temperatures: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Split the outputs: float[B, sum(input_lens)].

        Args:
            logits: The outputs.
            input_lens: The number of logits of each categorical.
            temperatures: What each one's logits are divided by; Ray takes and ignores them.
        """
        lens = [int(length) for length in input_lens]
        assert sum(lens) == logits.shape[-1], f"{sum(lens)} logits expected, got {logits.shape[-1]}"
        parts = list(torch.split(logits, lens, dim=-1))
        if temperatures:
            assert len(temperatures) == len(lens), "one temperature per categorical expected"
            parts = [part / heat for part, heat in zip(parts, temperatures, strict=True)]
        return cls(categoricals=[TorchCategorical(logits=part) for part in parts])

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the most likely actions."""
        best = [cat.to_deterministic().loc for cat in self._cats]
        return TorchDeterministic(loc=torch.stack(best, dim=-1), event_dims=1)
