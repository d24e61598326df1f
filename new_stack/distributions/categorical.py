"""One of K actions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch

from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution


class TorchCategorical(TorchDistribution):
    """A distribution over {0, ..., K-1}.

    >>> import torch
    >>> TorchCategorical.from_logits(torch.tensor([[0.0, 2.0]])).to_deterministic().sample()
    tensor([1])
    """

    def __init__(
        self, logits: torch.Tensor | None = None, probs: torch.Tensor | None = None
    ) -> None:
        if (logits is None) == (probs is None):
            raise AssertionError("give exactly one of `logits` and `probs`")
        self.logits = logits
        self.probs = probs
        super().__init__(logits=logits, probs=probs)

    def _get_torch_distribution(
        self, logits: torch.Tensor | None = None, probs: torch.Tensor | None = None
    ) -> Any:
        # RLlib validates nothing here: NaN logits pass and show up in the outputs.
        return torch.distributions.Categorical(logits=logits, probs=probs, validate_args=False)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return the number of actions."""
        assert isinstance(space, gym.spaces.Discrete), space
        return int(space.n)

    def rsample(self, sample_shape: Any = (), **kwargs: Any) -> torch.Tensor:
        """Draw one-hot actions whose gradient is that of the probabilities (straight-through).

        Ray's raises TypeError on a distribution made from logits.
        """
        one_hot = torch.distributions.OneHotCategorical(
            logits=self.logits, probs=self.probs, validate_args=False
        )
        probs: torch.Tensor = self._dist.probs if self.probs is None else self.probs
        drawn: torch.Tensor = one_hot.sample(sample_shape or ())  # type: ignore[no-untyped-call]
        return (drawn - probs).detach() + probs

    def to_deterministic(self) -> TorchDeterministic:
        """Return the distribution at the most likely action."""
        scores = self.logits if self.probs is None else self.probs
        assert scores is not None
        return TorchDeterministic(loc=torch.argmax(scores, dim=-1))
