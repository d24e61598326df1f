"""The base of action distributions that rest on one of torch's."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.legacy.distributions.base import ActionDistribution
from rlmigrate.legacy.types import Tensor

SMALL_NUMBER = 1e-6
# Bounds of log standard deviations that come from a net.
MIN_LOG_NN_OUTPUT = -5
MAX_LOG_NN_OUTPUT = 2


class TorchDistributionWrapper(ActionDistribution):
    """Pass everything on to `self.dist`, which the subclass makes from `self.inputs`."""

    dist: Any

    def __init__(self, inputs: Tensor, model: Any) -> None:
        super().__init__(as_tensor(inputs, model), model)
        self.last_sample: Any = None

    def logp(self, x: Any) -> torch.Tensor:
        """Give the log-probability of actions."""
        return self.dist.log_prob(x)  # type: ignore[no-any-return]

    def entropy(self) -> torch.Tensor:
        """Give the entropy."""
        return self.dist.entropy()  # type: ignore[no-any-return]

    def kl(self, other: Any) -> torch.Tensor:
        """Give the KL divergence to another distribution of this kind."""
        return torch.distributions.kl.kl_divergence(self.dist, other.dist)

    def sample(self) -> Any:
        """Draw actions and remember them."""
        self.last_sample = self.dist.sample()
        return self.last_sample

    def sampled_action_logp(self) -> torch.Tensor:
        """Give the log-probability of the actions drawn last."""
        assert self.last_sample is not None, "draw a sample first"
        dist: Any = getattr(self, "dist", None)
        if not getattr(dist, "_validate_args", False):
            return self.logp(self.last_sample)
        # What was drawn from it lies in its support; looking again costs as much as the rest.
        dist._validate_args = False
        try:
            return self.logp(self.last_sample)
        finally:
            dist._validate_args = True


def as_tensor(inputs: Tensor, model: Any) -> torch.Tensor:
    """Give numpy inputs as a tensor on the model's device."""
    if isinstance(inputs, torch.Tensor):
        return inputs
    tensor = torch.as_tensor(inputs)
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return tensor if parameter is None else tensor.to(parameter.device)
