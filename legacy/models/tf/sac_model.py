"""SAC's policy and Q nets, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.models.sac_nets import SACNets
from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
from rlmigrate.legacy.types import ModelConfig, Tensor


class SACTFModel(SACNets, TFModelV2):
    """SAC's nets, with `log_alpha` as a variable and `target_entropy` as a number; see SACNets."""

    net_framework = "tf"

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        policy_model_config: ModelConfig | None = None,
        q_model_config: ModelConfig | None = None,
        twin_q: bool = False,
        initial_alpha: float = 1.0,
        target_entropy: Any = None,
    ) -> None:
        import tensorflow as tf

        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self._build_nets(policy_model_config, q_model_config, twin_q=twin_q)
        self.log_alpha = tf.Variable(np.log(initial_alpha), dtype=tf.float32, name="log_alpha")
        self.target_entropy = self._target_entropy(target_entropy)

    @property
    def alpha(self) -> Tensor:
        """Give exp(log_alpha) as it is now; RLlib computes it once, and training leaves it."""
        import tensorflow as tf

        return tf.exp(self.log_alpha)

    @staticmethod
    def _concat(parts: list[Tensor]) -> Tensor:
        import tensorflow as tf

        return tf.concat(
            [tf.expand_dims(part, 1) if len(part.shape) == 1 else part for part in parts], axis=-1
        )
