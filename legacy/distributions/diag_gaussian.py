"""Independent normals."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.legacy.distributions.torch_wrapper import TorchDistributionWrapper
from rlmigrate.legacy.types import ModelConfig, Tensor


class TorchDiagGaussian(TorchDistributionWrapper):
    """A normal for each component, from means and log standard deviations.

    inputs: float32[B, 2 n], means first; actions: float32[B, n], or [B] for Box(shape=()).
    """

    def __init__(
        self, inputs: Tensor, model: Any, *, action_space: gym.Space[Any] | None = None
    ) -> None:
        super().__init__(inputs, model)
        mean, self.log_std = torch.chunk(self.inputs, 2, dim=-1)
        self.dist = torch.distributions.Normal(mean, torch.exp(self.log_std))
        self.zero_action_dim = action_space is not None and action_space.shape == ()

    def sample(self) -> torch.Tensor:
        """Draw actions."""
        sample: torch.Tensor = super().sample()
        return torch.squeeze(sample, dim=-1) if self.zero_action_dim else sample

    def deterministic_sample(self) -> torch.Tensor:
        """Give the means."""
        self.last_sample = self.dist.mean
        return self.last_sample  # type: ignore[no-any-return]

    def logp(self, x: Any) -> torch.Tensor:
        """Sum the log-densities of the components."""
        return super().logp(x).sum(-1)

    def entropy(self) -> torch.Tensor:
        """Sum the entropies of the components."""
        return super().entropy().sum(-1)

    def kl(self, other: Any) -> torch.Tensor:
        """Sum the KL divergences of the components."""
        return super().kl(other).sum(-1)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count means and log standard deviations."""
        return 2 * int(np.prod(action_space.shape or ()))
