"""RLlib's default nets as modules, for classes that inherited from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.new_stack.apis import ValueFunctionAPI
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.layers.actions import action_distribution
from rlmigrate.new_stack.layers.fully_connected import FullyConnectedNetwork
from rlmigrate.new_stack.layers.observations import flatten, preprocess, preprocessed_space
from rlmigrate.new_stack.layers.vision import VisionNetwork
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class FullyConnectedModule(TorchRLModule, ValueFunctionAPI):
    """RLlib's default dense network as a module, its layers under their old names.

    The layers are attributes of the module: a subclass may replace them after `build_net()`.
    """

    net_class: type[Any] = FullyConnectedNetwork

    def setup(self) -> None:
        """Build the net for the whole observation and the inputs of the action distribution."""
        self.action_dist_cls = action_distribution(self.action_space)
        size = int(self.action_dist_cls.required_input_dim(space=self.action_space))
        self.build_net(preprocessed_space(self.observation_space), size, self.model_config)

    def build_net(
        self, obs_space: gym.Space[Any], num_outputs: int | None, model_config: Mapping[str, Any]
    ) -> None:
        """Take over the layers of a net for observations of `obs_space`."""
        net = self.net_class(obs_space, num_outputs, model_config)
        inherited = vars(nn.Module())
        for name, value in {**vars(net), **dict(net.named_children())}.items():
            if name not in inherited:
                setattr(self, name, value)

    def net_outputs(self, obs: torch.Tensor) -> torch.Tensor:
        """obs: number[B, ...] -> float32[B, num_outputs]."""
        out: torch.Tensor = self.net_class.forward(self, obs)
        return out

    def net_values(self, obs: torch.Tensor) -> torch.Tensor:
        """obs: number[B, ...] -> float32[B]."""
        out: torch.Tensor = self.net_class.value(self, obs)
        return out

    def net_inputs(self, batch: dict[str, Any]) -> torch.Tensor:
        """Return what the net looks at: the observation as flat numbers."""
        return flatten(batch[Columns.OBS], self.observation_space)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self.net_outputs(self.net_inputs(batch))}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """obs: number[B, ...] -> float32[B]."""
        return self.net_values(self.net_inputs(batch))


class VisionModule(FullyConnectedModule):
    """RLlib's default convolutional network as a module, its layers under their old names."""

    net_class: type[Any] = VisionNetwork

    def net_inputs(self, batch: dict[str, Any]) -> torch.Tensor:
        """Return what the net looks at: the image."""
        images: torch.Tensor = preprocess(batch[Columns.OBS], self.observation_space)
        return images
