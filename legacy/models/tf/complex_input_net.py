"""The default net for structures that hold images, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tree
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from rlmigrate.legacy.models.tf.fcnet import FullyConnectedNetwork
from rlmigrate.legacy.models.tf.misc import dense
from rlmigrate.legacy.models.tf.structs import one_hot
from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
from rlmigrate.legacy.models.tf.visionnet import VisionNetwork
from rlmigrate.legacy.models.utils import get_filter_config
from rlmigrate.legacy.preprocessors.restore import restore_original_dimensions
from rlmigrate.legacy.spaces import flatten_space
from rlmigrate.legacy.types import ModelConfig, Tensor


class ComplexInputNetwork(TFModelV2):
    """A net for each part of the observation, their features side by side, then a dense stack.

    Images go through a VisionNetwork, discrete parts one-hot and all others flat through a
    FullyConnectedNetwork.
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

        self.original_space = getattr(obs_space, "original_space", obs_space)
        raw = model_config.get("_disable_preprocessor_api")
        self.processed_obs_space = self.original_space if raw else obs_space
        super().__init__(self.original_space, action_space, num_outputs, model_config, name)
        self.flattened_input_space = flatten_space(self.original_space)
        # Separate dicts, for these names are part of the variables' names.
        self.cnns: dict[int, TFModelV2] = {}
        self.one_hot: dict[int, TFModelV2] = {}
        self.flatten: dict[int, TFModelV2] = {}
        for position, space in enumerate(self.flattened_input_space):
            self._add_part(position, space)
        width = sum(
            int(net.num_outputs)
            for group in (self.cnns, self.one_hot, self.flatten)
            for net in group.values()
        )
        self.post_fc_stack = FullyConnectedNetwork(
            _vector(width, bound=np.inf),
            action_space,
            None,
            {
                "fcnet_hiddens": model_config.get("post_fcnet_hiddens", []),
                "fcnet_activation": model_config.get("post_fcnet_activation", "relu"),
            },
            "post_fc_stack",
        )
        self.logits_and_value_model: Any = None
        self._value_out: Tensor = None
        if num_outputs:
            features = tf.keras.layers.Input((int(self.post_fc_stack.num_outputs),))
            logits = dense(num_outputs, name="logits", std=0.01)(features)
            values = dense(1, name="value_out", std=0.01)(features)
            self.logits_and_value_model = tf.keras.Model(features, [logits, values])
        else:
            self.num_outputs = self.post_fc_stack.num_outputs

    def _add_part(self, position: int, space: gym.Space[Any]) -> None:
        config = self.model_config
        if isinstance(space, Box) and len(space.shape) == 3:
            filters = config.get("conv_filters") or get_filter_config(space.shape)
            self.cnns[position] = VisionNetwork(
                space,
                self.action_space,
                None,
                {
                    "conv_filters": filters,
                    "conv_activation": config.get("conv_activation"),
                    "post_fcnet_hiddens": [],
                },
                f"cnn_{position}",
            )
            return
        if isinstance(space, Discrete | MultiDiscrete):
            size = int(space.n) if isinstance(space, Discrete) else int(np.sum(space.nvec))
            group, label = self.one_hot, "one_hot"
        else:
            size = int(np.prod(space.shape or ()))
            group, label = self.flatten, "flatten"
        group[position] = FullyConnectedNetwork(
            _vector(size, bound=1.0),
            self.action_space,
            None,
            {
                "fcnet_hiddens": config["fcnet_hiddens"],
                "fcnet_activation": config.get("fcnet_activation"),
                "post_fcnet_hiddens": [],
            },
            f"{label}_{position}",
        )

    def forward(self, input_dict: Any, state: list[Any], seq_lens: Any) -> tuple[Tensor, list[Any]]:
        """Compute logits [B, num_outputs], or features without it."""
        import tensorflow as tf

        obs = input_dict["obs"]
        if "obs_flat" not in input_dict:
            obs = restore_original_dimensions(obs, self.processed_obs_space, "tf")
        parts = [
            self._features(position, tf.convert_to_tensor(part))
            for position, part in enumerate(tree.flatten(obs))
        ]
        features, _ = self.post_fc_stack({"obs": tf.concat(parts, axis=1)})
        if self.logits_and_value_model is None:
            return features, []
        logits, values = self.logits_and_value_model(features)
        self._value_out = tf.reshape(values, [-1])
        return logits, []

    def _features(self, position: int, part: Tensor) -> Tensor:
        import tensorflow as tf

        if position in self.cnns:
            return self.cnns[position]({"obs": part})[0]
        if position in self.one_hot:
            if part.dtype.is_integer:
                part = one_hot(part, self.flattened_input_space[position])
            return self.one_hot[position]({"obs": part})[0]
        size = int(np.prod(self.flattened_input_space[position].shape or ()))
        return self.flatten[position]({"obs": tf.cast(tf.reshape(part, [-1, size]), tf.float32)})[0]

    def value_function(self) -> Tensor:
        """Give the values [B] of the last forward pass."""
        return self._value_out


def _vector(size: int, *, bound: float) -> Box:
    return Box(-bound, bound, (size,), np.float32)
