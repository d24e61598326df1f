"""RLlib's default dense network, as a Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.new_stack.layers.on_tf.activations import tf_activation
from rlmigrate.new_stack.layers.on_tf.initializers import tf_normc_initializer


class TfFullyConnectedNetwork(tf.keras.Model):
    """Dense layers with a policy head (`call`) and a value head (`value`).

    Reads `fcnet_hiddens`, `fcnet_activation`, `post_fcnet_hiddens`, `post_fcnet_activation`,
    `no_final_linear`, `vf_share_layers` and `free_log_std` from `model_config`.
    """

    def __init__(
        self, obs_space: gym.Space[Any], num_outputs: int | None, model_config: Mapping[str, Any]
    ) -> None:
        super().__init__()
        fcnet = list(model_config.get("fcnet_hiddens", [256, 256]))
        hiddens = fcnet + list(model_config.get("post_fcnet_hiddens", []))
        named = model_config.get("fcnet_activation", "tanh")
        if not fcnet:
            named = model_config.get("post_fcnet_activation", "relu")
        act = tf_activation(named)
        size = int(num_outputs or 0)
        self.log_std_var: Any = None
        if model_config.get("free_log_std", False) and size:
            assert size % 2 == 0, f"free_log_std halves {size} outputs"
            size //= 2
            self.log_std_var = self.add_weight(name="log_std", shape=(size,), initializer="zeros")

        in_size = int(np.prod(obs_space.shape or ()))
        inputs = tf.keras.layers.Input(shape=(in_size,), name="observations")
        short = bool(model_config.get("no_final_linear", False)) and bool(size)
        features = self._stack(inputs, hiddens[:-1] if short else hiddens, act, "fc")
        outputs = features
        if size:
            std, last = (1.0, act) if short else (0.01, None)
            outputs = self._dense(size, "fc_out", last, std)(features)
        self.num_outputs = int(num_outputs or (hiddens[-1] if hiddens else in_size))
        if not model_config.get("vf_share_layers", True):
            features = self._stack(inputs, hiddens, act, "fc_value")
        values = self._dense(1, "value_out", None, 0.01)(features)
        self.base_model = tf.keras.Model(inputs, [outputs, values])

    def _stack(self, tensor: Any, sizes: list[int], act: Any, name: str) -> Any:
        for number, size in enumerate(sizes, start=1):
            tensor = self._dense(int(size), f"{name}_{number}", act, 1.0)(tensor)
        return tensor

    @staticmethod
    def _dense(size: int, name: str, act: Any, std: float) -> Any:
        return tf.keras.layers.Dense(
            size, name=name, activation=act, kernel_initializer=tf_normc_initializer(std)
        )

    def call(self, obs: Any) -> tf.Tensor:
        """obs: number[B, ...] -> float32[B, num_outputs]."""
        out = self._both(obs)[0]
        if self.log_std_var is None:
            return out
        return tf.concat([out, tf.zeros_like(out) + self.log_std_var], axis=1)

    def value(self, obs: Any) -> tf.Tensor:
        """obs: number[B, ...] -> float32[B]."""
        return tf.reshape(self._both(obs)[1], [-1])

    def _both(self, obs: Any) -> Any:
        rows = tf.cast(obs, tf.float32)
        return self.base_model(tf.reshape(rows, [tf.shape(rows)[0], -1]))
