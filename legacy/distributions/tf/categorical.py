"""One of n actions, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.types import ModelConfig, Tensor


class Categorical(TFActionDistribution):
    """Actions 0 to n - 1 with the given logits, divided by a temperature.

    inputs: float32[B, n]; actions: int64[B].
    """

    def __init__(self, inputs: Tensor, model: Any = None, temperature: float = 1.0) -> None:
        assert temperature > 0.0, f"temperature is {temperature}, expected more than 0"
        super().__init__(inputs / temperature, model)

    def _build_sample_op(self) -> Tensor:
        import tensorflow as tf

        return tf.squeeze(tf.random.categorical(self.inputs, 1), axis=1)

    def deterministic_sample(self) -> Tensor:
        """Give the likeliest actions."""
        import tensorflow as tf

        return tf.math.argmax(self.inputs, axis=1)

    def logp(self, x: Tensor) -> Tensor:
        """Give the log-probability [B] of actions."""
        import tensorflow as tf

        return -tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=self.inputs, labels=tf.cast(x, tf.int32)
        )

    def entropy(self) -> Tensor:
        """Give the entropy [B]."""
        import tensorflow as tf

        probabilities, log_probabilities = _softmax(self.inputs)
        return -tf.reduce_sum(probabilities * log_probabilities, axis=1)

    def kl(self, other: Any) -> Tensor:
        """Give the KL divergence [B]."""
        import tensorflow as tf

        probabilities, mine = _softmax(self.inputs)
        _, theirs = _softmax(other.inputs)
        return tf.reduce_sum(probabilities * (mine - theirs), axis=1)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the actions."""
        return action_space.n  # type: ignore[attr-defined]


def _softmax(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Give probabilities and their logarithms, stable for masked logits."""
    import tensorflow as tf

    shifted = logits - tf.reduce_max(logits, axis=1, keepdims=True)
    exponents = tf.exp(shifted)
    total = tf.reduce_sum(exponents, axis=1, keepdims=True)
    return exponents / total, shifted - tf.math.log(total)


def get_categorical_class_with_temperature(t: float) -> type[Categorical]:
    """Make a Categorical whose temperature is `t` unless given."""

    class CategoricalWithTemperature(Categorical):
        """Categorical with a temperature of its own."""

        def __init__(self, inputs: Tensor, model: Any = None, temperature: float = t) -> None:
            super().__init__(inputs, model, temperature)

    return CategoricalWithTemperature
