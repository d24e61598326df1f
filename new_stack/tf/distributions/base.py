"""The base of TF distributions."""

from __future__ import annotations

from typing import Any, TypeAlias

from rlmigrate.new_stack.distributions.distribution import Distribution

# TensorFlow's own annotations say little; its tensors are what they are at run time.
Tensor: TypeAlias = Any


class TfDistribution(Distribution):
    """A distribution over batches of actions, in TF.

    `sample` gives actions without gradient, `rsample` with it.
    """

    def sample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Tensor:
        """Draw actions: [*sample_shape, B, ...]."""
        import tensorflow as tf

        return tf.stop_gradient(self._draw(tuple(sample_shape or ())))

    def rsample(self, *, sample_shape: tuple[int, ...] | None = None, **kwargs: Any) -> Tensor:
        """Draw actions that gradients flow through."""
        return self._draw(tuple(sample_shape or ()))

    def sample_and_logp(
        self, *, sample_shape: tuple[int, ...] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw actions and return them with their log-probability."""
        sample = self.sample(sample_shape=sample_shape)
        return sample, self.logp(sample)

    def rsample_and_logp(
        self, *, sample_shape: tuple[int, ...] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw actions that gradients flow through, with their log-probability."""
        sample = self.rsample(sample_shape=sample_shape)
        return sample, self.logp(sample)

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        raise NotImplementedError
