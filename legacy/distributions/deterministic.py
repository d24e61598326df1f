"""The model's outputs as actions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.distributions.torch_wrapper import TorchDistributionWrapper
from rlmigrate.legacy.types import ModelConfig


class TorchDeterministic(TorchDistributionWrapper):
    """Give the inputs back as actions, as DDPG and TD3 need it.

    inputs and actions: float32[B, n]. Density, entropy and KL divergence do not exist.
    """

    def deterministic_sample(self) -> torch.Tensor:
        """Give the inputs."""
        return self.inputs  # type: ignore[no-any-return]

    def sample(self) -> torch.Tensor:
        """Give the inputs."""
        return self.deterministic_sample()

    def sampled_action_logp(self) -> torch.Tensor:
        """Give zeros [B]."""
        return torch.zeros((self.inputs.size()[0],), dtype=torch.float32)

    def logp(self, x: Any) -> torch.Tensor:
        """Raise: there is no density."""
        raise self._no_density("logp")

    def entropy(self) -> torch.Tensor:
        """Raise: there is no density."""
        raise self._no_density("entropy")

    def kl(self, other: Any) -> torch.Tensor:
        """Raise: there is no density."""
        raise self._no_density("kl")

    def _no_density(self, method: str) -> LegacyError:
        return LegacyError(
            f"{type(self).__name__}.{method}(): a deterministic action has no density; use "
            "sampled_action_logp(), which is 0, or a stochastic distribution"
        )

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the components of an action."""
        return int(np.prod(action_space.shape or ()))
