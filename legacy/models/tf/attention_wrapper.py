"""The GTrXL that `use_attention` puts behind a model, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from rlmigrate.legacy.batches import SampleBatch, ViewRequirement
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.models.tf.attention_net import GTrXLNet
from rlmigrate.legacy.models.tf.structs import flat_action, one_hot
from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
from rlmigrate.legacy.spaces import action_width, base_struct
from rlmigrate.legacy.types import ModelConfig, Tensor, TensorStruct


class AttentionWrapper(TFModelV2):
    """Mixed in before a model class: its output, previous actions and rewards, then a GTrXL.

    Reads the `attention_*` settings. States as in GTrXLNet.
    """

    # The wrapped model's own forward, set by the catalog.
    _wrapped_forward: Any = None

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        super().__init__(obs_space, action_space, None, model_config, name)
        setting = {**MODEL_DEFAULTS, **model_config}
        self.use_n_prev_actions = int(setting["attention_use_n_prev_actions"])
        self.use_n_prev_rewards = int(setting["attention_use_n_prev_rewards"])
        self.attention_dim = setting["attention_dim"]
        self._flat_actions = not setting["_disable_action_flattening"]
        self.action_space_struct = base_struct(action_space)
        self.action_dim = action_width(action_space)
        in_size = self.num_outputs
        if in_size is None:
            in_size = int(np.prod(self.obs_space.shape))
        in_size += self.use_n_prev_actions * self.action_dim + self.use_n_prev_rewards
        self.gtrxl = GTrXLNet(
            Box(-np.inf, np.inf, shape=(int(in_size),), dtype=np.float32),
            action_space,
            None,
            model_config,
            "gtrxl",
            num_transformer_units=setting["attention_num_transformer_units"],
            attention_dim=self.attention_dim,
            num_heads=setting["attention_num_heads"],
            head_dim=setting["attention_head_dim"],
            memory_inference=setting["attention_memory_inference"],
            memory_training=setting["attention_memory_training"],
            position_wise_mlp_dim=setting["attention_position_wise_mlp_dim"],
            init_gru_gate_bias=setting["attention_init_gru_gate_bias"],
        )
        self.num_outputs = num_outputs
        self._logits_branch = self._head(num_outputs)
        self._value_branch = self._head(1)
        self._features: Tensor = None
        self._add_views()

    def _head(self, size: int | None) -> Any:
        import tensorflow as tf

        assert size is not None, "use_attention needs num_outputs"
        features = tf.keras.layers.Input(shape=(self.attention_dim,))
        return tf.keras.Model([features], [tf.keras.layers.Dense(size)(features)])

    def _add_views(self) -> None:
        self.view_requirements = self.gtrxl.view_requirements
        self.view_requirements["obs"].space = self.obs_space
        if self.use_n_prev_actions:
            self.view_requirements[SampleBatch.PREV_ACTIONS] = ViewRequirement(
                SampleBatch.ACTIONS,
                space=self.action_space,
                shift=f"-{self.use_n_prev_actions}:-1",
            )
        if self.use_n_prev_rewards:
            self.view_requirements[SampleBatch.PREV_REWARDS] = ViewRequirement(
                SampleBatch.REWARDS, shift=f"-{self.use_n_prev_rewards}:-1"
            )

    def forward(
        self, input_dict: Any, state: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Run the wrapped model, append previous actions and rewards, run the GTrXL."""
        import tensorflow as tf

        assert seq_lens is not None, "attention needs seq_lens"
        features, _ = self._wrapped_forward(input_dict, [], None)
        parts = [features]
        if self.use_n_prev_actions:
            parts.append(self._encode_actions(input_dict[SampleBatch.PREV_ACTIONS]))
        if self.use_n_prev_rewards:
            rewards = tf.cast(input_dict[SampleBatch.PREV_REWARDS], tf.float32)
            parts.append(tf.reshape(rewards, [-1, self.use_n_prev_rewards]))
        merged = tf.concat(parts, axis=1) if len(parts) > 1 else features
        self._features, memories = self.gtrxl({"obs": merged}, state, seq_lens)
        logits = _single(self._logits_branch(self._features))
        return logits, memories

    def _encode_actions(self, actions: TensorStruct) -> Tensor:
        """Give the last n actions, one-hot where discrete, as [B * T, n * action_dim]."""
        import tensorflow as tf
        import tree

        if not self._flat_actions:
            # [B, n, ...] leaves, seen as a batch of B * n actions.
            merged = tree.map_structure(
                lambda leaf: tf.reshape(leaf, tf.concat([[-1], tf.shape(leaf)[2:]], axis=0)),
                actions,
            )
            actions = flat_action(merged, self.action_space_struct)
        elif isinstance(self.action_space, Discrete | MultiDiscrete):
            shape = [-1, *(self.action_space.shape or ())]
            actions = one_hot(tf.reshape(actions, shape), self.action_space)
        width = self.use_n_prev_actions * self.action_dim
        return tf.reshape(tf.cast(actions, tf.float32), [-1, width])

    def get_initial_state(self) -> list[Any]:
        """Give zeros [attention_dim] for each unit; the trajectory view repeats them."""
        return self.gtrxl.get_initial_state()

    def value_function(self) -> Tensor:
        """Give the values [B * T] of the last forward pass."""
        import tensorflow as tf

        assert self._features is not None, "call forward() before value_function()"
        return tf.reshape(_single(self._value_branch(self._features)), [-1])


def _single(outputs: Any) -> Tensor:
    """Unpack the output of a Keras model with one: Keras 3 keeps the list it was given."""
    return outputs[0] if isinstance(outputs, list | tuple) else outputs
