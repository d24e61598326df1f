"""The interface of action distributions, in any framework."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import gymnasium as gym


class Distribution(abc.ABC):
    """A distribution over batches of actions."""

    @abc.abstractmethod
    def sample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Any:
        """Draw actions: [*sample_shape, B, ...]; no gradient flows through them."""

    @abc.abstractmethod
    def rsample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Any:
        """Draw actions that gradients flow through."""

    @abc.abstractmethod
    def logp(self, value: Any, **kwargs: Any) -> Any:
        """Return the log-probability of actions: float[B]."""

    @abc.abstractmethod
    def kl(self, other: Any, **kwargs: Any) -> Any:
        """Return the Kullback-Leibler divergence from another distribution: float[B]."""

    @abc.abstractmethod
    def entropy(self, **kwargs: Any) -> Any:
        """Return the entropy: float[B]."""

    @staticmethod
    @abc.abstractmethod
    def required_input_dim(space: gym.Space[Any], **kwargs: Any) -> int:
        """Return how many inputs the distribution over a space takes."""

    @classmethod
    def from_logits(cls, logits: Any, **kwargs: Any) -> Any:
        """Make the distribution from a net's outputs: float[B, required_input_dim]."""
        raise NotImplementedError

    def to_deterministic(self) -> Distribution:
        """Return the distribution that always gives the most likely action."""
        return self

    @classmethod
    def get_partial_dist_cls(cls, **partial_kwargs: Any) -> Any:
        """Return a subclass that has some arguments of `from_logits` built in."""
        from rlmigrate.new_stack.distributions.partial import partial_dist_cls

        return partial_dist_cls(cls, partial_kwargs)

    # Set on the classes that get_partial_dist_cls makes.
    partial_kwargs: ClassVar[dict[str, Any]] = {}
