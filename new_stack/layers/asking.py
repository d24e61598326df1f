"""Distributions that ask their model while they sample, part of an action after part."""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.distributions.distribution import Distribution
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class ModelDistribution(Distribution):
    """A distribution of what a module returns, and of the module, as in RLlib's old stack.

    `inputs` is float32[B, n]; `model` the module. `SamplingModule` makes it and acts by it.
    """

    last_sample: Any = None

    def __init__(self, inputs: torch.Tensor, model: Any) -> None:
        self.inputs = inputs
        self.model = model

    @classmethod
    def from_logits(cls, logits: torch.Tensor, model: Any = None, **kwargs: Any) -> Any:
        """Take what a module returned, and the module."""
        assert model is not None, f"{cls.__name__} asks its module: get_partial_dist_cls(model=...)"
        return cls(logits, model)

    def rsample(self, *, sample_shape: Any = None, **kwargs: Any) -> Any:
        """Raise NotImplementedError: no gradient flows through choices."""
        raise NotImplementedError(f"{type(self).__name__} has no rsample()")

    def sampled_action_logp(self) -> torch.Tensor:
        """Return the log-probability of the last sample: float32[B]."""
        result: torch.Tensor = self.logp(self.last_sample)
        return result

    def deterministic_sample(self) -> Any:
        """Return the action to take without exploring."""
        raise NotImplementedError(f"{type(self).__name__} has no deterministic_sample()")


class SamplingModule(TorchRLModule):
    """A module that samples its actions itself, by a `ModelDistribution` that asks it.

    `action_dist_cls` is that class. What a Learner is given asks the module that is trained.
    """

    def get_train_action_dist_cls(self) -> Any:
        """Return the distribution that a loss needs."""
        return self.action_dist_cls.get_partial_dist_cls(model=self)

    def get_exploration_action_dist_cls(self) -> Any:
        """Return the distribution that actions are drawn from."""
        return self.get_train_action_dist_cls()

    def get_inference_action_dist_cls(self) -> Any:
        """Return the distribution whose deterministic actions are taken."""
        return self.get_train_action_dist_cls()

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = super()._forward_exploration(batch, **kwargs)
        dist = self.get_exploration_action_dist_cls().from_logits(outs[Columns.ACTION_DIST_INPUTS])
        actions = dist.sample()
        return {**outs, Columns.ACTIONS: actions, Columns.ACTION_LOGP: dist.sampled_action_logp()}

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = super()._forward_inference(batch, **kwargs)
        dist = self.get_inference_action_dist_cls().from_logits(outs[Columns.ACTION_DIST_INPUTS])
        actions = dist.deterministic_sample()
        logp = torch.zeros_like(dist.sampled_action_logp())  # certain, as the old stack had it
        return {**outs, Columns.ACTIONS: actions, Columns.ACTION_LOGP: logp}
