"""What `use_lstm` puts behind a model, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete

from rlmigrate.legacy.batches import ViewRequirement
from rlmigrate.legacy.models.tf.misc import apply, dense
from rlmigrate.legacy.models.tf.recurrent_net import RecurrentNetwork
from rlmigrate.legacy.models.tf.structs import flat_action, one_hot
from rlmigrate.legacy.spaces import action_width, base_struct
from rlmigrate.legacy.types import ModelConfig, Tensor


class LSTMWrapper(RecurrentNetwork):
    """An LSTM over the wrapped model's features, with logits and a value on top.

    `_wrapped_forward` is the forward pass of the model that is wrapped. Reads `lstm_cell_size`,
    `lstm_use_prev_action` and `lstm_use_prev_reward`.
    """

    _wrapped_forward: Any

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        super().__init__(obs_space, action_space, None, model_config, name)
        features = self.num_outputs
        if features is None:
            features = int(np.prod(obs_space.shape or ()))
        self.cell_size = model_config["lstm_cell_size"]
        self.use_prev_action = model_config["lstm_use_prev_action"]
        self.use_prev_reward = model_config["lstm_use_prev_reward"]
        self.action_space_struct = base_struct(action_space)
        self.action_dim = action_width(action_space)
        self.num_outputs = num_outputs
        width = features + self.action_dim * bool(self.use_prev_action) + bool(self.use_prev_reward)
        self._rnn_model = self._build(width)
        self._value_out: Tensor = None
        if self.use_prev_action:
            self.view_requirements["prev_actions"] = ViewRequirement(
                "actions", space=action_space, shift=-1
            )
        if self.use_prev_reward:
            self.view_requirements["prev_rewards"] = ViewRequirement("rewards", shift=-1)

    def _build(self, width: int) -> Any:
        import tensorflow as tf

        layers = tf.keras.layers
        inputs = layers.Input(shape=(None, width), name="inputs")
        before = [layers.Input(shape=(self.cell_size,), name=part) for part in ("h", "c")]
        lens = layers.Input(shape=(), name="seq_in", dtype="int32")
        mask = apply(tf.sequence_mask, lens, shape=(None,))
        lstm = layers.LSTM(self.cell_size, return_sequences=True, return_state=True, name="lstm")
        out, *after = lstm(inputs, mask=mask, initial_state=before)
        logits = dense(self.num_outputs, name="logits")(out)
        values = dense(1, name="values")(out)
        return tf.keras.Model([inputs, lens, *before], [logits, values, *after])

    def forward(
        self, input_dict: Any, state: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Run the wrapped model, add previous actions and rewards, run the LSTM."""
        import tensorflow as tf

        assert seq_lens is not None, "a recurrent model needs seq_lens"
        features, _ = self._wrapped_forward(input_dict, [], None)
        parts = [features]
        if self.use_prev_action:
            parts.append(self._previous_actions(input_dict["prev_actions"]))
        if self.use_prev_reward:
            parts.append(tf.reshape(tf.cast(input_dict["prev_rewards"], tf.float32), [-1, 1]))
        input_dict["obs_flat"] = tf.concat(parts, axis=1) if len(parts) > 1 else features
        return super().forward(input_dict, state, seq_lens)

    def _previous_actions(self, actions: Any) -> Tensor:
        import tensorflow as tf

        if self.model_config.get("_disable_action_flattening"):
            return flat_action(actions, self.action_space_struct)
        if isinstance(self.action_space, Discrete | MultiDiscrete):
            actions = one_hot(actions, self.action_space)
        return tf.reshape(tf.cast(actions, tf.float32), [-1, self.action_dim])

    def forward_rnn(
        self, inputs: Tensor, state: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Run the LSTM on [B, T, ...]."""
        output, self._value_out, *after = self._rnn_model([inputs, seq_lens, *state])
        return output, after

    def get_initial_state(self) -> list[Any]:
        """Give zeros for h and c."""
        return [np.zeros(self.cell_size, np.float32), np.zeros(self.cell_size, np.float32)]

    def value_function(self) -> Tensor:
        """Give the values [B * T] of the last forward pass."""
        import tensorflow as tf

        assert self._value_out is not None, "call forward() before value_function()"
        return tf.reshape(self._value_out, [-1])
