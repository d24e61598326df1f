"""ActionDistribution, the base of all action distributions of the old stack."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.legacy.types import ModelConfig, Tensor, TensorStruct


class ActionDistribution:
    """A distribution over actions, made from a model's outputs.

    inputs: Tensor[B, n], as `required_model_output_shape` asks for.
    model: the model that made them; autoregressive distributions call it again.
    """

    def __init__(self, inputs: Tensor, model: Any) -> None:
        self.inputs = inputs
        self.model = model

    def sample(self) -> TensorStruct:
        """Draw actions [B, ...]."""
        raise self._missing("sample")

    def deterministic_sample(self) -> TensorStruct:
        """Give the most likely, or mean, actions [B, ...]."""
        raise self._missing("deterministic_sample")

    def sampled_action_logp(self) -> Tensor:
        """Give the log-probability [B] of the last sample."""
        raise self._missing("sampled_action_logp")

    def logp(self, x: TensorStruct) -> Tensor:
        """Give the log-probability [B] of actions."""
        raise self._missing("logp")

    def kl(self, other: Any) -> Tensor:
        """Give the KL divergence [B] from this distribution to another of its kind."""
        raise self._missing("kl")

    def entropy(self) -> Tensor:
        """Give the entropy [B]."""
        raise self._missing("entropy")

    def multi_kl(self, other: Any) -> Tensor:
        """Give the KL divergence, per component where the action has several."""
        return self.kl(other)

    def multi_entropy(self) -> Tensor:
        """Give the entropy, per component where the action has several."""
        return self.entropy()

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the inputs that actions of this space need."""
        raise NotImplementedError(
            "an action distribution must implement required_model_output_shape()"
        )

    def _missing(self, method: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not implement {method}()")
