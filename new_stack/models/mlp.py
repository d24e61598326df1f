"""Fully connected nets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.models.activations import activation_for, initialize
from rlmigrate.new_stack.models.making import init_module, make_linear, make_sequential

_NORM_EPS = 0.001


class TorchMLP(nn.Module):
    """Linear layers with activations between them: float[..., input_dim] to float[..., output]."""

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_layer_dims: Sequence[int],
        hidden_layer_activation: Any = "relu",
        hidden_layer_use_bias: bool = True,
        hidden_layer_use_layernorm: bool = False,
        hidden_layer_weights_initializer: Any = None,
        hidden_layer_weights_initializer_config: dict[str, Any] | None = None,
        hidden_layer_bias_initializer: Any = None,
        hidden_layer_bias_initializer_config: dict[str, Any] | None = None,
        output_dim: int | None = None,
        output_use_bias: bool = True,
        output_layer_use_layernorm: bool = False,
        output_activation: Any = "linear",
        output_weights_initializer: Any = None,
        output_weights_initializer_config: dict[str, Any] | None = None,
        output_bias_initializer: Any = None,
        output_bias_initializer_config: dict[str, Any] | None = None,
    ) -> None:
        init_module(self)
        assert input_dim > 0, f"input_dim must be positive, is {input_dim}"
        self.__dict__["input_dim"] = input_dim
        layers: list[nn.Module] = []

        def add(
            size_in: int, size_out: int, *, bias: bool, norm: bool, activation: Any
        ) -> nn.Linear:
            linear = make_linear(size_in, size_out, bias=bias)
            layers.append(linear)
            if norm:
                layers.append(nn.LayerNorm(size_out, eps=_NORM_EPS))
            make_activation = activation_for(activation)
            if make_activation is not None:
                layers.append(make_activation())
            return linear

        size = input_dim
        for hidden in hidden_layer_dims:
            linear = add(
                size,
                hidden,
                bias=hidden_layer_use_bias,
                norm=hidden_layer_use_layernorm,
                activation=hidden_layer_activation,
            )
            initialize(
                linear.weight,
                hidden_layer_weights_initializer,
                hidden_layer_weights_initializer_config,
            )
            initialize(
                linear.bias, hidden_layer_bias_initializer, hidden_layer_bias_initializer_config
            )
            size = hidden
        if output_dim:
            linear = add(
                size,
                output_dim,
                bias=output_use_bias,
                norm=output_layer_use_layernorm,
                activation=output_activation,
            )
            initialize(linear.weight, output_weights_initializer, output_weights_initializer_config)
            initialize(linear.bias, output_bias_initializer, output_bias_initializer_config)
        self._modules["mlp"] = make_sequential(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the outputs."""
        out: torch.Tensor = self._modules["mlp"](x)  # type: ignore[misc]
        return out


def mlp_from(config: Any, *, output_dim: int | None) -> TorchMLP:
    """Build the net of an MLP config."""
    return TorchMLP(
        input_dim=config.input_dims[0],
        hidden_layer_dims=config.hidden_layer_dims,
        hidden_layer_activation=config.hidden_layer_activation,
        hidden_layer_use_layernorm=config.hidden_layer_use_layernorm,
        hidden_layer_use_bias=config.hidden_layer_use_bias,
        hidden_layer_weights_initializer=config.hidden_layer_weights_initializer,
        hidden_layer_weights_initializer_config=config.hidden_layer_weights_initializer_config,
        hidden_layer_bias_initializer=config.hidden_layer_bias_initializer,
        hidden_layer_bias_initializer_config=config.hidden_layer_bias_initializer_config,
        output_dim=output_dim,
        output_activation=config.output_layer_activation,
        output_use_bias=config.output_layer_use_bias,
        output_layer_use_layernorm=config.output_layer_use_layernorm,
        output_weights_initializer=config.output_layer_weights_initializer,
        output_weights_initializer_config=config.output_layer_weights_initializer_config,
        output_bias_initializer=config.output_layer_bias_initializer,
        output_bias_initializer_config=config.output_layer_bias_initializer_config,
    )
