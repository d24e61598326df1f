"""Encoders with a state."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.models.activations import initialize
from rlmigrate.new_stack.models.base import ENCODER_OUT, Encoder, TorchModel
from rlmigrate.new_stack.recurrence import state_in


class _RecurrentEncoder(TorchModel, Encoder):
    """What LSTM and GRU have in common.

    Batches are [B, T, ...]; states are [B, layers, H] by name, and without B in the initial one.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        tokenizer = config.tokenizer_config
        self.tokenizer = None if tokenizer is None else tokenizer.build(framework="torch")
        dims = config.input_dims if tokenizer is None else tokenizer.output_dims
        assert dims is not None and len(dims) == 1, f"features must be of one dimension: {dims}"  # noqa: PT018
        self._input_dim = int(dims[0])

    def _initialize(self, net: nn.LSTM | nn.GRU) -> None:
        config = self.config
        for layer in net.all_weights:
            for index, parameter in enumerate(layer):
                if index < 2:
                    initialize(
                        parameter,
                        config.hidden_weights_initializer,
                        config.hidden_weights_initializer_config,
                    )
                else:
                    initialize(
                        parameter,
                        config.hidden_bias_initializer,
                        config.hidden_bias_initializer_config,
                    )

    def _zeros(self) -> torch.Tensor:
        return torch.zeros(self.config.num_layers, self.config.hidden_dim)

    def _features(self, inputs: dict[str, Any]) -> torch.Tensor:
        obs: torch.Tensor = inputs[Columns.OBS]
        if self.tokenizer is None:
            return obs.float()
        batch, time = obs.shape[:2]
        folded = obs.reshape(batch * time, *obs.shape[2:])
        out: torch.Tensor = self.tokenizer({Columns.OBS: folded})[ENCODER_OUT]
        return out.reshape(batch, time, *out.shape[1:])


class TorchLSTMEncoder(_RecurrentEncoder):
    """An LSTM: float[B, T, D] to float[B, T, H]; the state has `h` and `c`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.lstm = nn.LSTM(
            self._input_dim,
            config.hidden_dim,
            config.num_layers,
            batch_first=config.batch_major,
            bias=config.use_bias,
        )
        self._initialize(self.lstm)

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Return zeros."""
        return {"h": self._zeros(), "c": self._zeros()}

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        state = state_in(inputs)
        out, (h, c) = self.lstm(
            self._features(inputs), (state["h"].transpose(0, 1), state["c"].transpose(0, 1))
        )
        return {
            ENCODER_OUT: out,
            Columns.STATE_OUT: {"h": h.transpose(0, 1), "c": c.transpose(0, 1)},
        }


class TorchGRUEncoder(_RecurrentEncoder):
    """A GRU: float[B, T, D] to float[B, T, H]; the state has `h`.

    Initializers reach its weights; in Ray they raise AttributeError.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.gru = nn.GRU(
            self._input_dim,
            config.hidden_dim,
            config.num_layers,
            batch_first=config.batch_major,
            bias=config.use_bias,
        )
        self._initialize(self.gru)

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Return zeros."""
        return {"h": self._zeros()}

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        state = state_in(inputs)["h"].transpose(0, 1)
        out, h = self.gru(self._features(inputs), state)
        return {ENCODER_OUT: out, Columns.STATE_OUT: {"h": h.transpose(0, 1)}}
