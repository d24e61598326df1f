"""The default net for vectors, in torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rlmigrate.legacy.models.misc import AppendBiasLayer, SlimFC, normc_initializer
from rlmigrate.legacy.models.modelv2 import rows_of
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.types import ModelConfig


class FullyConnectedNetwork(TorchModelV2, nn.Module):
    """Hidden layers, then a head for logits and one for the value.

    Reads `fcnet_hiddens`, `fcnet_activation`, `post_fcnet_hiddens`, `post_fcnet_activation`,
    `no_final_linear`, `vf_share_layers` and `free_log_std`. Without `num_outputs` the last hidden
    layer is the output.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.vf_share_layers = model_config.get("vf_share_layers")
        self.free_log_std = model_config.get("free_log_std")
        hiddens = [
            *model_config.get("fcnet_hiddens", []),
            *model_config.get("post_fcnet_hiddens", []),
        ]
        # RLlib uses one activation for the whole stack.
        stack = "fcnet" if model_config.get("fcnet_hiddens") else "post_fcnet"
        activation = model_config.get(f"{stack}_activation")
        in_size = int(np.prod(obs_space.shape or ()))
        head_size = self._head_size(num_outputs)

        # The order of construction is RLlib's, so that equal seeds give equal weights.
        self._logits: SlimFC | None = None
        if model_config.get("no_final_linear") and head_size:
            sizes = [*hiddens[:-1], head_size]
            layers = _stack(in_size, sizes, activation)
        else:
            sizes = hiddens
            layers = _stack(in_size, sizes, activation)
            last = sizes[-1] if sizes else in_size
            if head_size:
                self._logits = SlimFC(last, head_size, normc_initializer(0.01))
            else:
                self.num_outputs = last
        if self.free_log_std:
            assert head_size is not None
            self._append_free_log_std = AppendBiasLayer(head_size)
        self._hidden_layers = nn.Sequential(*layers)

        self._value_branch_separate: nn.Sequential | None = None
        if not self.vf_share_layers:
            self._value_branch_separate = nn.Sequential(*_stack(in_size, hiddens, activation))
        self._value_branch = SlimFC(sizes[-1] if sizes else in_size, 1, normc_initializer(0.01))
        self._features: torch.Tensor | None = None
        self._last_flat_in: torch.Tensor | None = None

    def _head_size(self, num_outputs: int | None) -> int | None:
        if not self.free_log_std:
            return num_outputs
        if num_outputs is None or num_outputs % 2:
            raise ValueError(
                f"free_log_std: num_outputs is {num_outputs}, expected an even number (means and "
                "log standard deviations); use it with Box actions and without LSTM or attention"
            )
        return num_outputs // 2

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Compute logits [B, num_outputs] from obs_flat."""
        obs = input_dict["obs_flat"].float()
        self._last_flat_in = rows_of(obs)
        self._features = self._hidden_layers(self._last_flat_in)
        logits = self._features if self._logits is None else self._logits(self._features)
        if self.free_log_std:
            logits = self._append_free_log_std(logits)
        return logits, state

    def value_function(self) -> torch.Tensor:
        """Give the values [B] of the last forward pass."""
        assert self._features is not None, "call forward() before value_function()"
        if not self._value_branch_separate:
            return self._value(self._features)
        features = self._value_branch_separate(self._last_flat_in)
        expected = self._value_branch._model[0].in_features
        if features.shape[-1] != expected:
            # RLlib builds the value head this way, and its weights must load.
            raise ValueError(
                f"no_final_linear without vf_share_layers: the value layers end in "
                f"{features.shape[-1]} units, the value head reads {expected} (num_outputs); "
                "make the last of the hiddens equal to num_outputs"
            )
        return self._value(features)

    def _value(self, features: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self._value_branch(features)
        return value.squeeze(1)


def _stack(in_size: int, sizes: Sequence[int], activation: Any) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for size in sizes:
        layers.append(SlimFC(in_size, size, normc_initializer(1.0), activation))
        in_size = size
    return layers
