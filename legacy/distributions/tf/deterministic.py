"""The inputs themselves as actions, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.types import ModelConfig, Tensor


class Deterministic(TFActionDistribution):
    """Actions that equal the inputs; inputs: float32[B, n]."""

    def _build_sample_op(self) -> Tensor:
        return self.inputs

    def deterministic_sample(self) -> Tensor:
        """Give the inputs."""
        return self.inputs

    def logp(self, x: Tensor) -> Tensor:
        """Give zeros in the shape of the inputs."""
        import tensorflow as tf

        return tf.zeros_like(self.inputs)

    @staticmethod
    def required_model_output_shape(action_space: gym.Space[Any], model_config: ModelConfig) -> Any:
        """Count the components."""
        return int(np.prod(action_space.shape or ()))
