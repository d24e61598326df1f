"""The LSTM that `use_lstm` puts behind a model, in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.spaces import Discrete, MultiDiscrete
from torch import nn

from rlmigrate.legacy.batches import SampleBatch, ViewRequirement
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.models.misc import SlimFC
from rlmigrate.legacy.models.recurrent_net import RecurrentNetwork
from rlmigrate.legacy.spaces import action_width, base_struct
from rlmigrate.legacy.types import ModelConfig, TensorStruct
from rlmigrate.legacy.utils.torch_utils import flatten_inputs_to_1d_tensor, one_hot


class LSTMWrapper(RecurrentNetwork, nn.Module):
    """Mixed in before a model class: its output, previous actions and rewards, then an LSTM.

    Reads `lstm_cell_size`, `lstm_use_prev_action`, `lstm_use_prev_reward` and `_time_major`.
    States: h and c, float32[B, lstm_cell_size].
    """

    # The wrapped model's own forward, set by the catalog.
    _wrapped_forward: Any = None

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        nn.Module.__init__(self)
        # The next class in line is the wrapped model, which then has no logits.
        super().__init__(obs_space, action_space, None, model_config, name)
        setting = {**MODEL_DEFAULTS, **model_config}
        in_size = self.num_outputs
        if in_size is None:
            in_size = int(np.prod(self.obs_space.shape))
        self.cell_size = int(setting["lstm_cell_size"])
        self.time_major = setting["_time_major"]
        self.use_prev_action = setting["lstm_use_prev_action"]
        self.use_prev_reward = setting["lstm_use_prev_reward"]
        self._flat_actions = not setting["_disable_action_flattening"]
        self.action_space_struct = base_struct(action_space)
        self.action_dim = action_width(action_space)
        if self.use_prev_action:
            in_size += self.action_dim
        if self.use_prev_reward:
            in_size += 1

        self.lstm = nn.LSTM(int(in_size), self.cell_size, batch_first=not self.time_major)
        self.num_outputs = num_outputs
        xavier = nn.init.xavier_uniform_
        assert num_outputs is not None, "use_lstm needs num_outputs"
        self._logits_branch = SlimFC(self.cell_size, num_outputs, initializer=xavier)
        self._value_branch = SlimFC(self.cell_size, 1, initializer=xavier)
        self._features: torch.Tensor | None = None

        if self.use_prev_action:
            self.view_requirements[SampleBatch.PREV_ACTIONS] = ViewRequirement(
                SampleBatch.ACTIONS, space=self.action_space, shift=-1
            )
        if self.use_prev_reward:
            self.view_requirements[SampleBatch.PREV_REWARDS] = ViewRequirement(
                SampleBatch.REWARDS, shift=-1
            )

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Run the wrapped model, append previous actions and rewards, run the LSTM."""
        assert seq_lens is not None, "an LSTM needs seq_lens"
        features, _ = self._wrapped_forward(input_dict, [], None)
        parts = [features]
        if self.use_prev_action:
            parts.append(self._encode_actions(input_dict[SampleBatch.PREV_ACTIONS]))
        if self.use_prev_reward:
            parts.append(input_dict[SampleBatch.PREV_REWARDS].float().reshape(-1, 1))
        input_dict["obs_flat"] = torch.cat(parts, dim=1) if len(parts) > 1 else features
        return super().forward(input_dict, state, seq_lens)

    def _encode_actions(self, actions: TensorStruct) -> torch.Tensor:
        if not self._flat_actions:
            flat: torch.Tensor = flatten_inputs_to_1d_tensor(actions, self.action_space_struct)
            return flat
        if isinstance(self.action_space, Discrete | MultiDiscrete):
            actions = one_hot(actions, self.action_space)
        encoded: torch.Tensor = actions.float().reshape(-1, self.action_dim)
        return encoded

    def forward_rnn(
        self, inputs: torch.Tensor, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Run the LSTM over all steps, padding included."""
        hidden = (state[0].unsqueeze(0), state[1].unsqueeze(0))
        self._features, (h, c) = self.lstm(inputs, hidden)
        return self._logits_branch(self._features), [h.squeeze(0), c.squeeze(0)]

    def get_initial_state(self) -> list[torch.Tensor]:
        """Give h and c of zeros, each [lstm_cell_size], on the model's device."""
        weight: torch.Tensor = next(self.lstm.parameters())
        return [weight.new_zeros(self.cell_size), weight.new_zeros(self.cell_size)]

    def value_function(self) -> torch.Tensor:
        """Give the values [B * T] of the last forward pass."""
        assert self._features is not None, "call forward() before value_function()"
        values: torch.Tensor = self._value_branch(self._features)
        return values.reshape(-1)
