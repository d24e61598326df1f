"""Heads: features to outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from rlmigrate.new_stack.models.activations import initialize
from rlmigrate.new_stack.models.base import TorchModel
from rlmigrate.new_stack.models.cnn_transpose import TorchCNNTranspose
from rlmigrate.new_stack.models.mlp import TorchMLP, mlp_from


class TorchMLPHead(TorchModel):
    """Fully connected: float[..., F] to float[..., A].

    With `clip_log_std` the second half of the outputs is clamped.
    """

    net: TorchMLP
    log_std_clip_param_const: torch.Tensor

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._modules["net"] = mlp_from(config, output_dim=config.output_layer_dim)
        self.__dict__["clip_log_std"] = config.clip_log_std
        bound = torch.empty(1).fill_(config.log_std_clip_param)
        self._buffers["log_std_clip_param_const"] = bound

    def _forward(self, inputs: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        out: torch.Tensor = self._modules["net"](inputs)  # type: ignore[misc]
        if not self.clip_log_std:
            return out
        means, log_stds = torch.chunk(out, chunks=2, dim=-1)
        bound = self.log_std_clip_param_const
        return torch.cat((means, torch.clamp(log_stds, -bound, bound)), dim=-1)


class TorchFreeLogStdMLPHead(TorchModel):
    """Means from a net and log standard deviations that are parameters: float[..., 2 A].

    Serves [B, T, F] too, on which Ray's raises.
    """

    net: TorchMLP
    log_std_clip_param_const: torch.Tensor

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        half = self._half_output_dim = config.output_dims[0] // 2
        self._modules["net"] = mlp_from(config, output_dim=half)
        self.log_std = nn.Parameter(torch.zeros(half))
        self.clip_log_std = config.clip_log_std
        bound = torch.empty(1).fill_(config.log_std_clip_param)
        self._buffers["log_std_clip_param_const"] = bound

    def _forward(self, inputs: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        means: torch.Tensor = self.net(inputs)
        log_std: torch.Tensor = self.log_std
        if self.clip_log_std:
            bound = self.log_std_clip_param_const
            log_std = torch.clamp(log_std, -bound, bound)
        return torch.cat([means, log_std.expand_as(means)], dim=-1)


class TorchCNNTransposeHead(TorchModel):
    """Images from features: float[B, F] to float[B, W, H, C], around 0.5."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.initial_dense = nn.Linear(
            config.input_dims[0], int(np.prod(config.initial_image_dims)), bias=True
        )
        initialize(
            self.initial_dense.weight,
            config.initial_dense_weights_initializer,
            config.initial_dense_weights_initializer_config,
        )
        initialize(
            self.initial_dense.bias,
            config.initial_dense_bias_initializer,
            config.initial_dense_bias_initializer_config,
        )
        self.cnn_transpose_net = TorchCNNTranspose(
            input_dims=config.initial_image_dims,
            cnn_transpose_filter_specifiers=config.cnn_transpose_filter_specifiers,
            cnn_transpose_activation=config.cnn_transpose_activation,
            cnn_transpose_use_layernorm=config.cnn_transpose_use_layernorm,
            cnn_transpose_use_bias=config.cnn_transpose_use_bias,
            cnn_transpose_kernel_initializer=config.cnn_transpose_kernel_initializer,
            cnn_transpose_kernel_initializer_config=config.cnn_transpose_kernel_initializer_config,
            cnn_transpose_bias_initializer=config.cnn_transpose_bias_initializer,
            cnn_transpose_bias_initializer_config=config.cnn_transpose_bias_initializer_config,
        )

    def _forward(self, inputs: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        out = self.initial_dense(inputs).reshape(-1, *self.config.initial_image_dims)
        image: torch.Tensor = self.cnn_transpose_net(out)
        return image + 0.5
