"""The default net for Dicts and Tuples with images, in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tree
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from torch import nn

from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.models.misc import SlimFC, normc_initializer
from rlmigrate.legacy.models.modelv2 import rows_of
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.spaces import action_width, flatten_space
from rlmigrate.legacy.types import ModelConfig
from rlmigrate.legacy.utils.torch_utils import one_hot


class ComplexInputNetwork(TorchModelV2, nn.Module):
    """One net for each leaf of the observation, their outputs concatenated, then dense layers.

    Images go through a VisionNetwork, everything else, one-hot where discrete, through a
    FullyConnectedNetwork of `fcnet_hiddens`; then `post_fcnet_hiddens` and the heads follow.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        original_space: gym.Space[Any] = getattr(obs_space, "original_space", obs_space)
        nn.Module.__init__(self)
        TorchModelV2.__init__(self, original_space, action_space, num_outputs, model_config, name)
        self.original_space = original_space
        self.flattened_input_space = flatten_space(original_space)
        self.cnns = nn.ModuleDict()
        self.one_hot = nn.ModuleDict()
        self.flatten = nn.ModuleDict()
        width = sum(
            self._add_leaf_net(str(index), leaf)
            for index, leaf in enumerate(self.flattened_input_space)
        )
        self.post_fc_stack = self._dense(
            width,
            "post_fc_stack",
            model_config.get("post_fcnet_hiddens", []),
            model_config.get("post_fcnet_activation", "relu"),
        )
        self.logits_layer: SlimFC | None = None
        self.value_layer: SlimFC | None = None
        self._value_out: torch.Tensor | None = None
        out_size = self.post_fc_stack.num_outputs
        if num_outputs:
            self.logits_layer = SlimFC(out_size, num_outputs, normc_initializer(0.01))
            self.value_layer = SlimFC(out_size, 1, normc_initializer(0.01))
        else:
            # RLlib reports the size before the dense layers, and an LSTM behind them breaks.
            self.num_outputs = out_size

    def _add_leaf_net(self, index: str, leaf: gym.Space[Any]) -> int:
        """Build the net of a leaf and give the size of its output."""
        if isinstance(leaf, Box) and len(leaf.shape) == 3:
            kind, nets = "cnn", self.cnns
            net = ModelCatalog.get_model_v2(
                leaf,
                self.action_space,
                None,
                {
                    "conv_filters": self.model_config.get("conv_filters"),
                    "conv_activation": self.model_config.get("conv_activation"),
                    "post_fcnet_hiddens": [],
                },
                framework="torch",
                name=f"cnn_{index}",
            )
        else:
            discrete = isinstance(leaf, Discrete | MultiDiscrete)
            kind, nets = ("one_hot", self.one_hot) if discrete else ("flatten", self.flatten)
            net = self._dense(
                action_width(leaf),
                f"{kind}_{index}",
                self.model_config["fcnet_hiddens"],
                self.model_config.get("fcnet_activation"),
            )
        nets[index] = net
        # Twice, as in RLlib: old checkpoints have both names.
        self.add_module(f"{kind}_{index}", net)
        return int(net.num_outputs)

    def _dense(self, size: int, name: str, hiddens: list[int], activation: Any) -> Any:
        return ModelCatalog.get_model_v2(
            Box(-np.inf, np.inf, (size,), np.float32),
            self.action_space,
            None,
            {
                "fcnet_hiddens": hiddens,
                "fcnet_activation": activation,
                "post_fcnet_hiddens": [],
            },
            framework="torch",
            name=name,
        )

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Compute logits [B, num_outputs] from the structured obs."""
        leaves = tree.flatten(input_dict["obs"])
        outs = [self._encode(str(index), leaf) for index, leaf in enumerate(leaves)]
        out, _ = self.post_fc_stack({"obs": torch.cat(outs, dim=1)})
        if self.logits_layer is None:
            return out, []
        assert self.value_layer is not None
        self._value_out = self.value_layer(out).reshape(-1)
        return self.logits_layer(out), []

    def _encode(self, index: str, leaf: torch.Tensor) -> torch.Tensor:
        if index in self.cnns:
            net = self.cnns[index]
        elif index in self.one_hot:
            net = self.one_hot[index]
            leaf = _one_hot_observation(leaf, self.flattened_input_space[int(index)])
        else:
            net = self.flatten[index]
            leaf = rows_of(leaf)
        out: torch.Tensor = net({"obs": leaf})[0]
        return out

    def value_function(self) -> torch.Tensor:
        """Give the values [B] of the last forward pass."""
        assert self._value_out is not None, "call forward() before value_function()"
        return self._value_out


def _one_hot_observation(x: torch.Tensor, space: gym.Space[Any]) -> torch.Tensor:
    """Encode observations, which count from the space's `start`; floats are encoded already."""
    if x.is_floating_point():
        return x
    start = getattr(space, "start", 0)
    if np.any(start):
        x = x - torch.as_tensor(start, device=x.device)
    encoded: torch.Tensor = one_hot(x, space)
    return encoded
