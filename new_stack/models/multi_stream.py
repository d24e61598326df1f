"""An encoder of several inputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.models.activations import activation_for, initialize
from rlmigrate.new_stack.models.base import ENCODER_OUT, Encoder, TorchModel


class TorchMultiStreamEncoder(TorchModel, Encoder):
    """Encodes each input by itself, then all features together.

    Every layer of the joint net sees the features again, next to the layer before.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        streams = sorted(config.base_encoder_configs.items())
        self.base_encoders = nn.ModuleDict({k: c.build(framework="torch") for k, c in streams})
        self.hidden_activation = activation_for(config.hidden_layer_activation) or nn.Identity
        width = self._total_embed_dim = sum(c.output_dims[0] for _, c in streams)
        layers: list[nn.Linear] = []
        size = 0
        for hidden in config.hidden_layer_dims or ():
            layers.append(nn.Linear(size + width, hidden, bias=config.hidden_layer_use_bias))
            size = hidden
        for layer in layers:
            initialize(
                layer.weight,
                config.hidden_layer_weights_initializer,
                config.hidden_layer_weights_initializer_config,
            )
        for layer in layers:
            initialize(
                layer.bias,
                config.hidden_layer_bias_initializer,
                config.hidden_layer_bias_initializer_config,
            )
        self.fusion_layers = nn.ModuleList(layers)
        self.output_layer: nn.Linear | None = None
        if config.output_layer_dim is not None:
            self.output_activation = activation_for(config.output_layer_activation) or nn.Identity
            out = nn.Linear(
                size + width, config.output_layer_dim, bias=config.output_layer_use_bias
            )
            initialize(
                out.weight,
                config.output_layer_weights_initializer,
                config.output_layer_weights_initializer_config,
            )
            initialize(
                out.bias,
                config.output_layer_bias_initializer,
                config.output_layer_bias_initializer_config,
            )
            self.output_layer = out

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features = torch.cat(
            [net({Columns.OBS: inputs[k]})[ENCODER_OUT] for k, net in self.base_encoders.items()],
            dim=-1,
        )
        out: torch.Tensor | None = None
        for layer in self.fusion_layers:
            seen = features if out is None else torch.cat([out, features], dim=-1)
            out = self.hidden_activation()(layer(seen))
        if self.output_layer is not None:
            seen = features if out is None else torch.cat([out, features], dim=-1)
            out = self.output_activation()(self.output_layer(seen))
        return {ENCODER_OUT: features if out is None else out}
