"""A distribution for each part of a nested action."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
import tree

from rlmigrate.new_stack.distributions.categorical import TorchCategorical
from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.distribution import Distribution
from rlmigrate.new_stack.distributions.multi_categorical import TorchMultiCategorical


class TorchMultiDistribution(Distribution):
    """Independent distributions, nested as the action space (Tuple, Dict) is.

    The order of the flat inputs is the tree's: keys of dicts are sorted.
    """

    def __init__(self, child_distribution_struct: Any) -> None:
        self._original_struct = child_distribution_struct
        self._flat_child_distributions: list[Any] = tree.flatten(child_distribution_struct)

    def sample(self, *, sample_shape: Any = None, **kwargs: Any) -> Any:
        """Draw actions, nested."""
        return self._nest(
            [child.sample(sample_shape=sample_shape) for child in self._flat_child_distributions]
        )

    def rsample(self, *, sample_shape: Any = None, **kwargs: Any) -> Any:
        """Draw actions that gradients flow through, nested."""
        return self._nest(
            [
                child.rsample(sample_shape=sample_shape, **kwargs)
                for child in self._flat_child_distributions
            ]
        )

    def logp(self, value: Any, **kwargs: Any) -> torch.Tensor:
        """Return the log-probability of nested actions, or of flat ones: [B, total width]."""
        children = self._flat_child_distributions
        if isinstance(value, torch.Tensor):
            parts = list(torch.split(value, [_width(child) for child in children], dim=-1))
        else:
            parts = tree.flatten(value)
        logps = [
            child.logp(_without_width_one(child, part))
            for child, part in zip(children, parts, strict=True)
        ]
        return _sum(logps)

    def kl(self, other: Any, **kwargs: Any) -> torch.Tensor:
        """Return the Kullback-Leibler divergence."""
        pairs = zip(self._flat_child_distributions, other._flat_child_distributions, strict=True)
        parts = [child.kl(peer) for child, peer in pairs]
        return _sum(parts)

    def entropy(self, **kwargs: Any) -> torch.Tensor:
        """Return the entropy."""
        parts = [child.entropy() for child in self._flat_child_distributions]
        return _sum(parts)

    @staticmethod
    def required_input_dim(
        space: gym.Space[Any], input_lens: Any = (), as_list: bool = False, **kwargs: Any
    ) -> Any:
        """Return the number of inputs of all parts together, or of each."""
        return input_lens if as_list else sum(input_lens)

    @classmethod
    def from_logits(
        cls,
        logits: torch.Tensor,
        child_distribution_cls_struct: Any = None,
        input_lens: Any = (),
        **kwargs: Any,
    ) -> Any:
        """Split the outputs among the parts: float[B, sum(input_lens)].

        Args:
            logits: The outputs.
            child_distribution_cls_struct: The classes, nested as the action space is.
            input_lens: The number of inputs of each part, flat or nested in the same way.
        """
        classes = tree.flatten(child_distribution_cls_struct)
        parts = torch.split(logits, [int(n) for n in tree.flatten(input_lens)], dim=-1)
        children = [child.from_logits(part) for child, part in zip(classes, parts, strict=True)]
        return cls(tree.unflatten_as(child_distribution_cls_struct, children))

    def to_deterministic(self) -> TorchMultiDistribution:
        """Return the distribution at the most likely action of each part."""
        return TorchMultiDistribution(
            self._nest([child.to_deterministic() for child in self._flat_child_distributions])
        )

    def _nest(self, flat: list[Any]) -> Any:
        return tree.unflatten_as(self._original_struct, flat)


def _sum(parts: list[torch.Tensor]) -> torch.Tensor:
    return sum(parts[1:], start=parts[0])


def _width(child: Any) -> int:
    """Return how many columns a child's actions take in a flat action tensor."""
    if isinstance(child, TorchCategorical):
        return 1
    if isinstance(child, TorchMultiCategorical):
        return len(child._cats)
    if isinstance(child, TorchDeterministic) and not child.event_dims:
        return 1
    if hasattr(child, "loc"):
        return int(child.loc.shape[-1])
    sample = child.sample()
    return 1 if sample.dim() == 1 else int(sample.shape[-1])


def _without_width_one(child: Any, value: torch.Tensor) -> torch.Tensor:
    """Drop the last dimension of what a categorical is given as [B, 1]."""
    if isinstance(child, TorchCategorical):
        scores = child.logits if child.probs is None else child.probs
        assert scores is not None
        batch_dims = scores.dim() - 1
    elif isinstance(child, TorchDeterministic) and not child.event_dims:
        batch_dims = child.loc.dim()
    else:
        return value
    return value.squeeze(-1) if value.dim() > batch_dims and value.shape[-1] == 1 else value
