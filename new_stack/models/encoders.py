"""Encoders without a state."""

from __future__ import annotations

from typing import Any

from torch import nn

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.models.base import ENCODER_OUT, Encoder, TorchModel
from rlmigrate.new_stack.models.cnn import TorchCNN
from rlmigrate.new_stack.models.mlp import mlp_from


class TorchMLPEncoder(TorchModel, Encoder):
    """Fully connected: float[..., D] to float[..., F]."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._modules["net"] = mlp_from(config, output_dim=config.output_layer_dim)

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {ENCODER_OUT: self._modules["net"](inputs[Columns.OBS])}  # type: ignore[misc]


class TorchCNNEncoder(TorchModel, Encoder):
    """Convolutional: float[B, W, H, C] to float[B, F], or float[B, w, h, c] if not flattened."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        cnn = TorchCNN(
            input_dims=config.input_dims,
            cnn_filter_specifiers=config.cnn_filter_specifiers,
            cnn_activation=config.cnn_activation,
            cnn_use_layernorm=config.cnn_use_layernorm,
            cnn_use_bias=config.cnn_use_bias,
            cnn_kernel_initializer=config.cnn_kernel_initializer,
            cnn_kernel_initializer_config=config.cnn_kernel_initializer_config,
            cnn_bias_initializer=config.cnn_bias_initializer,
            cnn_bias_initializer_config=config.cnn_bias_initializer_config,
        )
        self.net = nn.Sequential(cnn, nn.Flatten()) if config.flatten_at_end else nn.Sequential(cnn)

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {ENCODER_OUT: self._modules["net"](inputs[Columns.OBS])}  # type: ignore[misc]
