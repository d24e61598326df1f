"""RLlib's default nets as modules, for TF classes that inherited from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from rlmigrate.new_stack.apis import ValueFunctionAPI
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.layers.observations import preprocessed_space
from rlmigrate.new_stack.layers.on_tf.fully_connected import TfFullyConnectedNetwork
from rlmigrate.new_stack.layers.on_tf.observations import tf_flatten, tf_preprocess
from rlmigrate.new_stack.layers.on_tf.vision import TfVisionNetwork
from rlmigrate.new_stack.tf import TfRLModule, dist_cls_for


class TfFullyConnectedModule(TfRLModule, ValueFunctionAPI):
    """RLlib's default dense network as a module; its Keras model is `base_model`, as it was."""

    net_class: type[Any] = TfFullyConnectedNetwork

    def setup(self) -> None:
        """Build the net for the whole observation and the inputs of the action distribution."""
        self.action_dist_cls = dist_cls_for(self.action_space)
        size = int(self.action_dist_cls.required_input_dim(space=self.action_space))
        self.build_net(preprocessed_space(self.observation_space), size, self.model_config)

    def build_net(
        self, obs_space: gym.Space[Any], num_outputs: int | None, model_config: Mapping[str, Any]
    ) -> None:
        """Take over the parts of a net for observations of `obs_space`."""
        net = self.net_class(obs_space, num_outputs, model_config)
        object.__setattr__(self, "_net", net)  # its variables are the module's by these attributes
        self.base_model, self.num_outputs = net.base_model, net.num_outputs
        if getattr(net, "log_std_var", None) is not None:
            self.log_std_var = net.log_std_var

    def net_outputs(self, obs: Any) -> Any:
        """obs: number[B, ...] -> float32[B, num_outputs]."""
        return self._net(obs)

    def net_values(self, obs: Any) -> Any:
        """obs: number[B, ...] -> float32[B]."""
        return self._net.value(obs)

    def net_inputs(self, batch: dict[str, Any]) -> Any:
        """Return what the net looks at: the observation as flat numbers."""
        return tf_flatten(batch[Columns.OBS], self.observation_space)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self.net_outputs(self.net_inputs(batch))}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Any:
        """obs: number[B, ...] -> float32[B]."""
        return self.net_values(self.net_inputs(batch))


class TfVisionModule(TfFullyConnectedModule):
    """RLlib's default convolutional network as a module; its Keras model is `base_model`."""

    net_class: type[Any] = TfVisionNetwork

    def net_inputs(self, batch: dict[str, Any]) -> Any:
        """Return what the net looks at: the image."""
        return tf_preprocess(batch[Columns.OBS], self.observation_space)
