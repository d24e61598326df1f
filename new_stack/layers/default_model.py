"""RLlib's default model as a module."""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.new_stack.apis import ValueFunctionAPI
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.layers.actions import action_distribution
from rlmigrate.new_stack.layers.fully_connected import FullyConnectedNetwork
from rlmigrate.new_stack.layers.vision import VisionNetwork
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class DefaultModel(TorchRLModule, ValueFunctionAPI):
    """The net that the old catalog gave to policies whose config named no other.

    Convolutions for images, dense layers for every other Box; parameters under their old names.
    Raises ValueError for a config that asks for an LSTM, attention or a custom model.
    """

    def setup(self) -> None:
        """Build the net; raises ValueError for a config that asks for another one."""
        others = ("custom_model", "use_lstm", "use_attention")
        asked = [key for key in others if self.model_config.get(key)]
        if asked:
            raise ValueError(
                f"{type(self).__name__} is built on RLlib's default net, and its model_config asks "
                f"for {asked[0]}; make a module with that net its base class"
            )
        self.action_dist_cls = action_distribution(self.action_space)
        size = int(self.action_dist_cls.required_input_dim(space=self.action_space))
        image = len(self.observation_space.shape or ()) == 3
        kind = VisionNetwork if image else FullyConnectedNetwork
        net = kind(self.observation_space, size, self.model_config)
        for name, child in net.named_children():
            self.add_module(name, child)
        self._net = (net,)  # in a tuple, so that parameters keep the names they had

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self._net[0](batch[Columns.OBS])}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """obs: number[B, ...] -> float32[B]."""
        return self._net[0].value(batch[Columns.OBS])
