"""GTrXL, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.legacy.batches import ViewRequirement
from rlmigrate.legacy.models.tf.recurrent_net import RecurrentNetwork
from rlmigrate.legacy.types import ModelConfig, Tensor


class GTrXLNet(RecurrentNetwork):
    """A gated transformer with memory, for vectors; the torch one says more.

    States: for each unit its inputs at the last `memory_inference` steps,
    float32[B, M, attention_dim]; new states are those of this call,
    float32[B * T, attention_dim].
    """

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        *,
        num_transformer_units: int = 1,
        attention_dim: int = 64,
        num_heads: int = 2,
        memory_inference: int = 50,
        memory_training: int = 50,
        head_dim: int = 32,
        position_wise_mlp_dim: int = 32,
        init_gru_gate_bias: float = 2.0,
    ) -> None:
        super().__init__(observation_space, action_space, num_outputs, model_config, name)
        self.num_transformer_units = num_transformer_units
        self.attention_dim = attention_dim
        self.num_heads = num_heads
        self.memory_inference = memory_inference
        self.memory_training = memory_training
        self.head_dim = head_dim
        self.position_wise_mlp_dim = position_wise_mlp_dim
        self.init_gru_gate_bias = init_gru_gate_bias
        self.max_seq_len = model_config.get("max_seq_len", 20)
        assert observation_space.shape is not None
        self.obs_dim = observation_space.shape[0]
        self.has_heads = num_outputs is not None
        self._value_out: Tensor = None
        if num_outputs is None:
            self.num_outputs = attention_dim
        self.trxl_model = self._build()

        space = gym.spaces.Box(-1.0, 1.0, shape=(attention_dim,))
        for unit in range(num_transformer_units):
            self.view_requirements[f"state_in_{unit}"] = ViewRequirement(
                f"state_out_{unit}",
                shift=f"-{memory_inference}:-1",
                # In training, the memory is needed at the start of each sequence only.
                batch_repeat_value=self.max_seq_len,
                space=space,
            )
            self.view_requirements[f"state_out_{unit}"] = ViewRequirement(
                space=space, used_for_training=False
            )

    def _build(self) -> Any:
        import tensorflow as tf

        layers = tf.keras.layers
        inputs = layers.Input(shape=(None, self.obs_dim), name="inputs")
        memories = [
            layers.Input(shape=(None, self.attention_dim), name=f"memory_in_{unit}")
            for unit in range(self.num_transformer_units)
        ]
        out = layers.Dense(self.attention_dim)(inputs)
        inputs_of_units = []
        for unit, memory in enumerate(memories):
            inputs_of_units.append(out)
            out = self._attention(f"mha_{unit + 1}")(out, memory=memory)
            out = self._mlp(f"pos_wise_mlp_{unit + 1}")(out)
        outputs = [out]
        if self.has_heads:
            outputs = [
                layers.Dense(self.num_outputs, name="logits")(out),
                layers.Dense(1, name="values")(out),
            ]
        return tf.keras.Model([inputs, *memories], [*outputs, *inputs_of_units])

    def _attention(self, name: str) -> Any:
        import tensorflow as tf

        from rlmigrate.legacy.models.tf.layers import (
            GRUGate,
            RelativeMultiHeadAttention,
            SkipConnection,
        )

        attention = RelativeMultiHeadAttention(
            out_dim=self.attention_dim,
            num_heads=self.num_heads,
            head_dim=self.head_dim,
            input_layernorm=True,
            output_activation=tf.nn.relu,
        )
        return SkipConnection(attention, fan_in_layer=GRUGate(self.init_gru_gate_bias), name=name)

    def _mlp(self, name: str) -> Any:
        import tensorflow as tf

        from rlmigrate.legacy.models.tf.layers import (
            GRUGate,
            PositionwiseFeedforward,
            SkipConnection,
        )

        feedforward = PositionwiseFeedforward(
            out_dim=self.attention_dim,
            hidden_dim=self.position_wise_mlp_dim,
            output_activation=tf.nn.relu,
        )
        normed = tf.keras.Sequential([tf.keras.layers.LayerNormalization(axis=-1), feedforward])
        return SkipConnection(normed, fan_in_layer=GRUGate(self.init_gru_gate_bias), name=name)

    def forward(
        self, input_dict: Any, state: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Compute outputs [B * T, num_outputs or attention_dim] and the inputs of each unit."""
        import tensorflow as tf

        assert seq_lens is not None, "attention needs seq_lens"
        obs = tf.convert_to_tensor(input_dict["obs"])
        steps = tf.shape(obs)[0] // tf.shape(seq_lens)[0]
        obs = tf.reshape(obs, tf.concat([[-1, steps], tf.shape(obs)[1:]], axis=0))
        outputs = list(self.trxl_model([obs, *state]))
        if self.has_heads:
            self._value_out = outputs.pop(1)
        flat = [tf.reshape(part, [-1, part.shape[-1]]) for part in outputs]
        return flat[0], flat[1:]

    def get_initial_state(self) -> list[Any]:
        """Give zeros [attention_dim] for each unit; the trajectory view repeats them."""
        zeros = np.zeros(self.attention_dim, np.float32)
        return [zeros.copy() for _ in range(self.num_transformer_units)]

    def value_function(self) -> Tensor:
        """Give the values [B * T] of the last forward pass."""
        import tensorflow as tf

        assert self._value_out is not None, (
            "call forward() before value_function(); without num_outputs there is no value head"
        )
        return tf.reshape(self._value_out, [-1])
