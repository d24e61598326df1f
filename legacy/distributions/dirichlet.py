"""Positive actions that sum to one."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.legacy.distributions.torch_wrapper import TorchDistributionWrapper, as_tensor
from rlmigrate.legacy.types import ModelConfig, Tensor


class TorchDirichlet(TorchDistributionWrapper):
    """A Dirichlet with concentrations exp(inputs), for Simplex actions.

    inputs and actions: float32[B, n].
    """

    def __init__(self, inputs: Tensor, model: Any) -> None:
        inputs = as_tensor(inputs, model)
        self.epsilon = torch.tensor(1e-7).to(inputs.device)
        concentration = torch.exp(inputs) + self.epsilon
        self.dist = torch.distributions.Dirichlet(concentration, validate_args=True)
        super().__init__(concentration, model)

    def deterministic_sample(self) -> torch.Tensor:
        """Give the softmax of the concentrations, as RLlib does (this is not the mean)."""
        self.last_sample = torch.softmax(self.dist.concentration, dim=-1)
        return self.last_sample  # type: ignore[no-any-return]

    def logp(self, x: Any) -> torch.Tensor:
        """Give the log-density of actions, lifted off zero and normalised."""
        x = torch.max(x, self.epsilon)
        x = x / torch.sum(x, dim=-1, keepdim=True)
        return self.dist.log_prob(x)  # type: ignore[no-any-return]

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the components of an action."""
        return int(np.prod(action_space.shape or ()))
