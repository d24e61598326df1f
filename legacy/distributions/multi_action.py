"""Tuple and Dict actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tree

from rlmigrate.legacy.distributions.categorical import TorchCategorical
from rlmigrate.legacy.distributions.torch_wrapper import TorchDistributionWrapper
from rlmigrate.legacy.spaces import base_struct, flatten_space
from rlmigrate.legacy.types import ModelConfig, Tensor, TensorStruct


class TorchMultiActionDistribution(TorchDistributionWrapper):
    """One distribution for each leaf of a Tuple or Dict space, independent of each other.

    inputs: float32[B, sum(input_lens)], in the order of `flatten_space`.
    child_distributions: classes or partials, flat or in the structure of the space.
    Actions come in the structure of the space; `logp` also takes one tensor [B, n] with the
    leaves side by side, as sample batches store them.
    """

    def __init__(
        self,
        inputs: Tensor,
        model: Any,
        *,
        child_distributions: Any,
        input_lens: Any,
        action_space: gym.Space[Any],
    ) -> None:
        super().__init__(inputs, model)
        self.action_space_struct = base_struct(action_space)
        self._leaves = flatten_space(action_space)
        self.input_lens = [int(length) for length in tree.flatten(input_lens)]
        parts = torch.split(self.inputs, self.input_lens, dim=1)
        self.flat_child_distributions = [
            child(part, model)
            for child, part in zip(tree.flatten(child_distributions), parts, strict=True)
        ]

    def logp(self, x: Any) -> torch.Tensor:
        """Sum the log-probabilities of the leaves."""
        if isinstance(x, np.ndarray):
            x = torch.Tensor(x)
        if isinstance(x, torch.Tensor):
            x = torch.split(x, self._action_sizes(), dim=1)
        logps = []
        for child, part in zip(self.flat_child_distributions, tree.flatten(x), strict=True):
            if isinstance(child, TorchCategorical):
                part = (part.squeeze(-1) if part.dim() > 1 else part).int()
            logps.append(child.logp(part))
        return _sum(logps)

    def _action_sizes(self) -> list[int]:
        # RLlib draws a sample to see its size, which moves the random generator on and forgets
        # the last sample; the space knows.
        return [
            1 if isinstance(child, TorchCategorical) else int(np.prod(leaf.shape or ()))
            for child, leaf in zip(self.flat_child_distributions, self._leaves, strict=True)
        ]

    def kl(self, other: Any) -> torch.Tensor:
        """Sum the KL divergences of the leaves."""
        pairs = zip(self.flat_child_distributions, other.flat_child_distributions, strict=True)
        return _sum([mine.kl(theirs) for mine, theirs in pairs])

    def entropy(self) -> torch.Tensor:
        """Sum the entropies of the leaves."""
        return _sum([child.entropy() for child in self.flat_child_distributions])

    def sample(self) -> TensorStruct:
        """Draw every leaf."""
        return self._each(lambda child: child.sample())

    def deterministic_sample(self) -> TensorStruct:
        """Give the likeliest, or mean, value of every leaf."""
        return self._each(lambda child: child.deterministic_sample())

    def _each(self, draw: Callable[[Any], torch.Tensor]) -> TensorStruct:
        drawn = [draw(child) for child in self.flat_child_distributions]
        self.last_sample = tree.unflatten_as(self.action_space_struct, drawn)
        return self.last_sample

    def sampled_action_logp(self) -> torch.Tensor:
        """Sum the log-probabilities of the leaves drawn last."""
        return _sum([child.sampled_action_logp() for child in self.flat_child_distributions])

    def required_model_output_shape(  # type: ignore[override]
        self, action_space: gym.Space[Any], model_config: ModelConfig
    ) -> Any:
        """Count the inputs of all leaves; RLlib has this on instances only."""
        return sum(self.input_lens)


def _sum(parts: list[torch.Tensor]) -> torch.Tensor:
    """Add from left to right, for the same rounding as RLlib."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
