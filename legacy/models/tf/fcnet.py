"""The default net for vectors, in TF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.models.tf.misc import apply, dense
from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
from rlmigrate.legacy.models.utils import get_activation_fn
from rlmigrate.legacy.types import ModelConfig, Tensor


class FullyConnectedNetwork(TFModelV2):
    """Hidden layers, then a head for logits and one for the value.

    Reads the same settings as the torch net. Without `num_outputs` the last hidden layer is the
    output.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        import tensorflow as tf

        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        hiddens = [
            *model_config.get("fcnet_hiddens", []),
            *model_config.get("post_fcnet_hiddens", []),
        ]
        stack = "fcnet" if model_config.get("fcnet_hiddens") else "post_fcnet"
        activation = get_activation_fn(model_config.get(f"{stack}_activation"), framework="tf")
        in_size = int(np.prod(obs_space.shape or ()))
        head_size = num_outputs
        if model_config.get("free_log_std"):
            if not num_outputs or num_outputs % 2:
                raise ValueError(
                    f"free_log_std: num_outputs is {num_outputs}, expected an even number "
                    "(means and log standard deviations)"
                )
            head_size = num_outputs // 2
            self.log_std_var = tf.Variable(tf.zeros([head_size]), name="log_std")

        inputs = tf.keras.layers.Input(shape=(in_size,), name="observations")
        if model_config.get("no_final_linear") and head_size:
            features = _stack(inputs, hiddens[:-1], activation, prefix="fc")
            outputs = dense(head_size, name="fc_out", activation=activation, std=1.0)(features)
        else:
            features = _stack(inputs, hiddens, activation, prefix="fc")
            outputs = features
            if head_size:
                outputs = dense(head_size, name="fc_out", std=0.01)(features)
            else:
                self.num_outputs = hiddens[-1] if hiddens else in_size
        if model_config.get("free_log_std"):
            log_std = apply(self._tiled_log_std, inputs, shape=(head_size,))
            outputs = tf.keras.layers.Concatenate(axis=1)([outputs, log_std])

        value_features = features
        if not model_config.get("vf_share_layers"):
            value_features = _stack(inputs, hiddens, activation, prefix="fc_value")
        values = dense(1, name="value_out", std=0.01)(value_features)
        self.base_model = tf.keras.Model(inputs, [outputs, values])
        self._value_out: Tensor = None

    def _tiled_log_std(self, rows: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.tile(tf.expand_dims(self.log_std_var, 0), tf.stack([tf.shape(rows)[0], 1]))

    def forward(self, input_dict: Any, state: list[Any], seq_lens: Any) -> tuple[Tensor, list[Any]]:
        """Compute logits [B, num_outputs] from obs_flat."""
        import tensorflow as tf

        # Keras refuses uint8 and int64, which the torch net takes.
        outputs, self._value_out = self.base_model(tf.cast(input_dict["obs_flat"], tf.float32))
        return outputs, state

    def value_function(self) -> Tensor:
        """Give the values [B] of the last forward pass."""
        import tensorflow as tf

        assert self._value_out is not None, "call forward() before value_function()"
        return tf.reshape(self._value_out, [-1])


def _stack(inputs: Tensor, sizes: Sequence[int], activation: Any, *, prefix: str) -> Tensor:
    for number, size in enumerate(sizes, start=1):
        inputs = dense(size, name=f"{prefix}_{number}", activation=activation, std=1.0)(inputs)
    return inputs
