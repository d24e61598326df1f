"""RLlib's default dense network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rlmigrate.new_stack.layers.append_bias import AppendBiasLayer
from rlmigrate.new_stack.layers.initializers import normc_initializer
from rlmigrate.new_stack.layers.slim_fc import SlimFC


class FullyConnectedNetwork(nn.Module):
    """Dense layers with a policy head (`forward`) and a value head (`value`).

    Reads `fcnet_hiddens`, `fcnet_activation`, `post_fcnet_hiddens`, `post_fcnet_activation`,
    `no_final_linear`, `vf_share_layers` and `free_log_std` from `model_config`.
    """

    def __init__(
        self, obs_space: gym.Space[Any], num_outputs: int | None, model_config: Mapping[str, Any]
    ) -> None:
        super().__init__()
        if not isinstance(obs_space, gym.spaces.Box | gym.spaces.MultiBinary):
            # The old stack made such observations one-hot or flat before the model saw them.
            raise ValueError(
                f"FullyConnectedNetwork takes observations of a Box, not {obs_space}; give it "
                "preprocessed_space() of the space and preprocess() of its observations"
            )
        fcnet = list(model_config.get("fcnet_hiddens", [256, 256]))
        hiddens = fcnet + list(model_config.get("post_fcnet_hiddens", []))
        act = model_config.get("fcnet_activation", "tanh")
        if not fcnet:
            act = model_config.get("post_fcnet_activation", "relu")
        self.free_log_std = bool(model_config.get("free_log_std", False))
        if self.free_log_std and num_outputs:
            assert num_outputs % 2 == 0, f"free_log_std halves {num_outputs} outputs"
            num_outputs //= 2

        in_size = int(np.prod(obs_space.shape or ()))
        no_final_linear = bool(model_config.get("no_final_linear", False)) and bool(num_outputs)
        sizes = [*hiddens[:-1], num_outputs] if no_final_linear else hiddens
        self._hidden_layers = self._stack(in_size, sizes, act)
        last = sizes[-1] if sizes else in_size
        self._logits: nn.Module | None = None
        if num_outputs and not no_final_linear:
            self._logits = SlimFC(last, num_outputs, initializer=normc_initializer(0.01))
        if self.free_log_std and self._logits is not None and num_outputs:
            self._append_free_log_std = AppendBiasLayer(num_outputs)
        self.num_outputs = num_outputs or last

        self._value_branch_separate: nn.Module | None = None
        if not model_config.get("vf_share_layers", True):
            self._value_branch_separate = self._stack(in_size, hiddens, act)
        self._value_branch = SlimFC(last, 1, initializer=normc_initializer(0.01))

    @staticmethod
    def _stack(in_size: int, sizes: list[int], act: Any) -> nn.Sequential:
        layers = []
        for size in sizes:
            layers.append(
                SlimFC(in_size, size, initializer=normc_initializer(1.0), activation_fn=act)
            )
            in_size = size
        return nn.Sequential(*layers)

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        """obs: number[B, ...] -> float32[B, num_outputs]."""
        out: torch.Tensor = self._hidden_layers(obs.float().reshape(obs.shape[0], -1))
        if self._logits is not None:
            out = self._logits(out)
        return self._append_free_log_std(out) if self.free_log_std else out

    def value(self, obs: torch.Tensor) -> torch.Tensor:
        """obs: number[B, ...] -> float32[B]."""
        hidden: nn.Module = self._hidden_layers
        if self._value_branch_separate:  # an empty stack is false, as in RLlib
            hidden = self._value_branch_separate
        values: torch.Tensor = self._value_branch(hidden(obs.float().reshape(obs.shape[0], -1)))
        return values.squeeze(1)
