"""The default net for images, in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.legacy.models.misc import SlimConv2d, SlimFC, normc_initializer, same_padding
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.models.utils import FilterConfig, get_activation_fn, get_filter_config
from rlmigrate.legacy.types import ModelConfig


class VisionNetwork(TorchModelV2, nn.Module):
    """Convolutions, then heads for logits and value; images come as [B, H, W, C].

    Reads `conv_filters`, `conv_activation`, `post_fcnet_hiddens`, `post_fcnet_activation`,
    `no_final_linear` and `vf_share_layers`. All convolutions are padded as TF's "same" but the
    last, which is not padded and must end in 1 x 1 pixels. Without `num_outputs` the flattened
    last convolution is the output.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        if not model_config.get("conv_filters"):
            # A copy: RLlib writes into the caller's config, where the next model finds it.
            filters = get_filter_config(obs_space.shape or ())
            model_config = {**model_config, "conv_filters": filters}
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        filters = model_config["conv_filters"]
        hiddens = list(model_config.get("post_fcnet_hiddens", []))
        activation = get_activation_fn(model_config.get("post_fcnet_activation"), "torch")
        self.last_layer_is_flattened = False
        self._logits: nn.Module | None = None

        layers: list[nn.Module] = [*self._conv_stack(filters[:-1])]
        channels = filters[-2][0] if len(filters) > 1 else self.obs_space.shape[-1]
        width, kernel, stride = filters[-1]
        if model_config.get("no_final_linear") and num_outputs:
            width = width if hiddens else num_outputs
            layers.append(self._conv(channels, width, kernel, stride, None))
            if hiddens:
                # RLlib forgets to flatten here, and raises in forward.
                layers.append(nn.Flatten())
            for size in [*hiddens[:-1], num_outputs] if hiddens else []:
                layers.append(SlimFC(width, size, normc_initializer(1.0), activation))
                width = size
        else:
            layers.append(self._conv(channels, width, kernel, stride, None))
            if not num_outputs:
                self.last_layer_is_flattened = True
                layers.append(nn.Flatten())
            elif hiddens:
                layers.append(nn.Flatten())
                for index, size in enumerate(hiddens):
                    # RLlib leaves the activation of the last one away.
                    last = index == len(hiddens) - 1
                    normc = normc_initializer(1.0)
                    layers.append(SlimFC(width, size, normc, None if last else activation))
                    width = size
                self._logits = SlimFC(width, num_outputs, normc_initializer(1.0))
            else:
                no_padding = (0, 0, 0, 0)
                self._logits = SlimConv2d(
                    width, num_outputs, [1, 1], 1, no_padding, activation_fn=None
                )
        self._convs = nn.Sequential(*layers)
        if self.num_outputs is None:
            with torch.no_grad():
                self.num_outputs = self._convs(self._channels_first(self._blank())).shape[1]

        self._value_branch_separate: nn.Sequential | None = None
        self._value_branch: SlimFC | None = None
        if model_config.get("vf_share_layers"):
            self._value_branch = SlimFC(width, 1, normc_initializer(0.01))
        else:
            width, kernel, stride = filters[-1]
            self._value_branch_separate = nn.Sequential(
                *self._conv_stack(filters[:-1]),
                self._conv(channels, width, kernel, stride, None),
                SlimConv2d(width, 1, 1, 1, None, activation_fn=None),
            )
        self._features: torch.Tensor | None = None

    def _conv(
        self, channels: int, width: int, kernel: Any, stride: Any, padding: Any
    ) -> SlimConv2d:
        activation = self.model_config.get("conv_activation")
        return SlimConv2d(channels, width, kernel, stride, padding, activation_fn=activation)

    def _conv_stack(self, filters: FilterConfig) -> list[nn.Module]:
        layers: list[nn.Module] = []
        height, width, channels = self.obs_space.shape
        size: tuple[int, int] = (height, width)
        for out_channels, kernel, stride in filters:
            padding, size = same_padding(size, kernel, stride)
            layers.append(self._conv(channels, out_channels, kernel, stride, padding))
            channels = out_channels
        return layers

    def _blank(self) -> torch.Tensor:
        return torch.zeros((1, *self.obs_space.shape))

    @staticmethod
    def _channels_first(images: torch.Tensor) -> torch.Tensor:
        return images.float().permute(0, 3, 1, 2)

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Compute logits [B, num_outputs] from obs.

        Raises ValueError if the convolutions do not end in 1 x 1 pixels.
        """
        images = self._channels_first(input_dict["obs"])
        out: torch.Tensor = self._convs(images)
        self._features = images if self._value_branch_separate else out
        if self.last_layer_is_flattened:
            return out, state
        if self._logits is not None:
            out = self._logits(out)
        if out.dim() == 4:
            if out.shape[2:] != (1, 1):
                raise ValueError(
                    f"conv_filters {self.model_config['conv_filters']} turn images of "
                    f"{tuple(self.obs_space.shape)} into {list(out.shape)}, expected "
                    f"[B, {self.num_outputs}, 1, 1]; change the last kernel or stride"
                )
            out = out.flatten(1)
        return out, state

    def value_function(self) -> torch.Tensor:
        """Give the values [B] of the last forward pass."""
        assert self._features is not None, "call forward() before value_function()"
        if self._value_branch_separate:
            values: torch.Tensor = self._value_branch_separate(self._features)
            return values.squeeze(3).squeeze(2).squeeze(1)
        assert self._value_branch is not None
        features = self._features
        if features.dim() == 4:
            features = features.squeeze(3).squeeze(2)
        shared: torch.Tensor = self._value_branch(features)
        return shared.squeeze(1)

    def _hidden_layers(self, obs: torch.Tensor) -> torch.Tensor:
        """Give the features [B, C] of images; old subclasses call it."""
        features: torch.Tensor = self._convs(obs.permute(0, 3, 1, 2))
        return features.squeeze(3).squeeze(2)
