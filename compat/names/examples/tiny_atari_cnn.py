"""A small CNN for image observations.

TinyAtariCNN   convolutions, then a 1x1 convolution to logits and a linear value
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.legacy.models.misc import normc_initializer, same_padding, valid_padding
from rlmigrate.new_stack import Columns, TorchRLModule, ValueFunctionAPI
from rlmigrate.new_stack.apis.target_network import (
    TARGET_NETWORK_ACTION_DIST_INPUTS,
    TargetNetworkAPI,
    make_target_network,
)

#: Filters, kernel, stride and padding of each layer; the last leaves one pixel of a 42x42 image.
FILTERS = ((16, 4, 2, "same"), (32, 4, 2, "same"), (256, 11, 1, "valid"))


class TinyAtariCNN(TorchRLModule, ValueFunctionAPI, TargetNetworkAPI):
    """Images `obs: float32[B, W, H, C]` to logits and values; model_config: `conv_filters`."""

    def setup(self) -> None:
        """Build the convolutions and the two heads."""
        width, height, channels = self.observation_space.shape
        size: Any = (width, height)
        layers: list[nn.Module] = []
        for count, kernel, stride, *rest in self.model_config.get("conv_filters") or FILTERS:
            if (rest or ["same"])[0] == "same":
                padding, size = same_padding(size, kernel, stride)
                layers.append(nn.ZeroPad2d(padding))
            else:
                size = valid_padding(size, kernel, stride)
            layers += [_convolution(channels, count, kernel, stride), nn.ReLU()]
            channels = count
        self._base_cnn_stack = nn.Sequential(*layers)
        padding, _ = same_padding(size, 1, 1)
        last = _convolution(channels, int(self.action_space.n), 1, 1)
        self._logits = nn.Sequential(nn.ZeroPad2d(padding), last)
        self._values = nn.Linear(channels, 1)
        normc_initializer(0.01)(self._values.weight)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features = self._base_cnn_stack(_channels_first(batch))
        return {Columns.ACTION_DIST_INPUTS: _flat(self._logits(features))}

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features = self._base_cnn_stack(_channels_first(batch))
        return {
            Columns.ACTION_DIST_INPUTS: _flat(self._logits(features)),
            Columns.EMBEDDINGS: _flat(features),
        }

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """Return values, float32[B]."""
        if embeddings is None:
            embeddings = _flat(self._base_cnn_stack(_channels_first(batch)))
        values: torch.Tensor = self._values(embeddings).squeeze(-1)
        return values

    def make_target_networks(self) -> None:
        """Copy convolutions and logits."""
        self._target_base_cnn_stack = make_target_network(self._base_cnn_stack)
        self._target_logits = make_target_network(self._logits)

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """List main and target networks."""
        return [
            (self._base_cnn_stack, self._target_base_cnn_stack),
            (self._logits, self._target_logits),
        ]

    def forward_target(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute the logits of the target networks."""
        features = self._target_base_cnn_stack(_channels_first(batch))
        return {TARGET_NETWORK_ACTION_DIST_INPUTS: _flat(self._target_logits(features))}


def _convolution(channels: int, count: int, kernel: int, stride: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, count, kernel, stride)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _channels_first(batch: dict[str, Any]) -> torch.Tensor:
    images: torch.Tensor = batch[Columns.OBS].permute(0, 3, 1, 2)
    return images


def _flat(features: torch.Tensor) -> torch.Tensor:
    """Drop the two dimensions of an image of one pixel."""
    return features.squeeze(-1).squeeze(-1)
