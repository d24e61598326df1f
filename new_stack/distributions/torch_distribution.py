"""Distributions that stand on one of torch.distributions."""

from __future__ import annotations

import abc
from typing import Any

import torch

from rlmigrate.new_stack.distributions.distribution import Distribution


class TorchDistribution(Distribution, abc.ABC):
    """The methods that are the same for every torch distribution."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._dist = self._get_torch_distribution(*args, **kwargs)

    @abc.abstractmethod
    def _get_torch_distribution(self, *args: Any, **kwargs: Any) -> Any:
        """Make the torch distribution from the constructor's arguments."""

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-probability of actions."""
        result: torch.Tensor = self._dist.log_prob(value, **kwargs)
        return result

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Return the entropy."""
        result: torch.Tensor = self._dist.entropy()
        return result

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Return the Kullback-Leibler divergence."""
        return torch.distributions.kl.kl_divergence(self._dist, other._dist)

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> Any:
        """Draw actions."""
        return self._dist.sample(torch.Size() if sample_shape is None else sample_shape)

    def rsample(self, *, sample_shape: Any = None, **kwargs: Any) -> Any:
        """Draw actions that gradients flow through."""
        return self._dist.rsample(torch.Size() if sample_shape is None else sample_shape)

    def sample_and_logp(self, *, sample_shape: Any = None) -> tuple[Any, torch.Tensor]:
        """Draw actions and return them with their log-probability."""
        sample = self.sample(sample_shape=sample_shape)
        return sample, self.logp(sample)

    def rsample_and_logp(self, *, sample_shape: Any = None) -> tuple[Any, torch.Tensor]:
        """Draw actions that gradients flow through, with their log-probability."""
        sample = self.rsample(sample_shape=sample_shape)
        return sample, self.logp(sample)

    @classmethod
    def from_logits(cls, logits: Any, **kwargs: Any) -> Any:
        """Make the distribution from logits."""
        return cls(logits=logits, **kwargs)
