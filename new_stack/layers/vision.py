"""RLlib's default convolutional network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.new_stack.layers.activations import activation
from rlmigrate.new_stack.layers.filters import filters_for
from rlmigrate.new_stack.layers.initializers import normc_initializer
from rlmigrate.new_stack.layers.padding import same_padding
from rlmigrate.new_stack.layers.slim_conv2d import SlimConv2d
from rlmigrate.new_stack.layers.slim_fc import SlimFC


class VisionNetwork(nn.Module):
    """Convolutions over [B, H, W, C] images, with a policy head (`forward`) and a value head.

    Reads `conv_filters`, `conv_activation`, `post_fcnet_hiddens`, `post_fcnet_activation`,
    `no_final_linear` and `vf_share_layers` from `model_config`.
    """

    def __init__(
        self, obs_space: gym.Space[Any], num_outputs: int | None, model_config: Mapping[str, Any]
    ) -> None:
        super().__init__()
        assert obs_space.shape is not None
        filters = model_config.get("conv_filters") or filters_for(obs_space.shape)
        conv_act = model_config.get("conv_activation", "relu")
        post = list(model_config.get("post_fcnet_hiddens", []))
        post_act = activation(model_config.get("post_fcnet_activation", "relu"))
        cut_short = bool(model_config.get("no_final_linear", False)) and bool(num_outputs)

        layers, size = self._same_convs(obs_space, filters, conv_act)
        before = filters[-2][0] if len(filters) > 1 else obs_space.shape[2]
        channels, kernel, stride = filters[-1]
        if cut_short and num_outputs and not post:
            channels = num_outputs
        layers.append(SlimConv2d(before, channels, kernel, stride, None, activation_fn=conv_act))

        self._logits: nn.Module | None = None
        self._ends_flat = not num_outputs
        if cut_short and num_outputs:
            for out in [*post[:-1], num_outputs] if post else []:
                layers.append(SlimFC(channels, out, normc_initializer(1.0), post_act))
                channels = out
        elif num_outputs and post:
            layers.append(nn.Flatten())
            in_size = channels
            for i, out in enumerate([*post, num_outputs]):
                act = post_act if i < len(post) - 1 else None  # RLlib leaves the last one linear
                layers.append(SlimFC(in_size, out, normc_initializer(1.0), act))
                in_size = out
            self._logits = layers.pop()
        elif num_outputs:
            kernel_h, kernel_w = (kernel, kernel) if isinstance(kernel, int) else kernel
            after = [
                math.ceil((size[0] - kernel_h) / stride),
                math.ceil((size[1] - kernel_w) / stride),
            ]
            padding, _ = same_padding(after, [1, 1], [1, 1])
            self._logits = SlimConv2d(channels, num_outputs, [1, 1], 1, padding, activation_fn=None)
        else:
            layers.append(nn.Flatten())
        self._convs = nn.Sequential(*layers)
        self.num_outputs = num_outputs or self._measure(obs_space)

        self._value_branch_separate: nn.Module | None = None
        self._value_branch: nn.Module | None = None
        if model_config.get("vf_share_layers", True):
            self._value_branch = SlimFC(channels, 1, initializer=normc_initializer(0.01))
        else:
            convs, _ = self._same_convs(obs_space, filters, conv_act)
            out_channels, kernel, stride = filters[-1]
            convs.append(
                SlimConv2d(before, out_channels, kernel, stride, None, activation_fn=conv_act)
            )
            convs.append(SlimConv2d(out_channels, 1, 1, 1, None, activation_fn=None))
            self._value_branch_separate = nn.Sequential(*convs)

    @staticmethod
    def _same_convs(
        obs_space: gym.Space[Any], filters: list[list[Any]], conv_act: Any
    ) -> tuple[list[nn.Module], tuple[int, int]]:
        assert obs_space.shape is not None
        height, width, channels = obs_space.shape
        size = (height, width)
        convs: list[nn.Module] = []
        for out, kernel, stride in filters[:-1]:
            padding, size = same_padding(size, kernel, stride)
            convs.append(SlimConv2d(channels, out, kernel, stride, padding, activation_fn=conv_act))
            channels = out
        return convs, size

    def _measure(self, obs_space: gym.Space[Any]) -> int:
        with torch.no_grad():
            return int(
                self._convs(_channels_first(torch.zeros(1, *obs_space.shape or ()))).shape[1]
            )

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        """obs: number[B, H, W, C] -> float32[B, num_outputs]."""
        out: torch.Tensor = self._convs(_channels_first(obs))
        if self._ends_flat:
            return out
        if self._logits is not None:
            out = self._logits(out)
        if out.dim() == 4:
            if out.shape[2:] != (1, 1):
                raise ValueError(f"conv_filters end at {list(out.shape)}, expected [B, N, 1, 1]")
            out = out.squeeze(3).squeeze(2)
        return out

    def value(self, obs: torch.Tensor) -> torch.Tensor:
        """obs: number[B, H, W, C] -> float32[B]."""
        if self._value_branch_separate is not None:
            values: torch.Tensor = self._value_branch_separate(_channels_first(obs))
            return values.squeeze(3).squeeze(2).squeeze(1)
        assert self._value_branch is not None
        features: torch.Tensor = self._convs(_channels_first(obs))
        if not self._ends_flat:
            features = features.squeeze(3).squeeze(2)
        out: torch.Tensor = self._value_branch(features)
        return out.squeeze(1)


def _channels_first(images: torch.Tensor) -> torch.Tensor:
    return images.float().permute(0, 3, 1, 2)
