"""The GTrXL that `use_attention` puts behind a model, in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from torch import nn

from rlmigrate.legacy.batches import SampleBatch, ViewRequirement
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.models.attention_net import GTrXLNet
from rlmigrate.legacy.models.misc import SlimFC
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.spaces import action_width, base_struct
from rlmigrate.legacy.types import ModelConfig, TensorStruct
from rlmigrate.legacy.utils.torch_utils import flatten_inputs_to_1d_tensor, one_hot


class AttentionWrapper(TorchModelV2, nn.Module):
    """Mixed in before a model class: its output, previous actions and rewards, then a GTrXL.

    Reads the `attention_*` settings. States as in GTrXLNet.
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
        self.use_n_prev_actions = int(setting["attention_use_n_prev_actions"])
        self.use_n_prev_rewards = int(setting["attention_use_n_prev_rewards"])
        self.attention_dim = setting["attention_dim"]
        self._flat_actions = not setting["_disable_action_flattening"]
        self.action_space_struct = base_struct(action_space)
        self.action_dim = action_width(action_space)
        in_size = self.num_outputs
        if in_size is None:
            in_size = int(np.prod(self.obs_space.shape))
        in_size += self.use_n_prev_actions * self.action_dim + self.use_n_prev_rewards
        self.gtrxl = GTrXLNet(
            Box(-np.inf, np.inf, shape=(int(in_size),), dtype=np.float32),
            action_space,
            None,
            model_config,
            "gtrxl",
            num_transformer_units=setting["attention_num_transformer_units"],
            attention_dim=self.attention_dim,
            num_heads=setting["attention_num_heads"],
            head_dim=setting["attention_head_dim"],
            memory_inference=setting["attention_memory_inference"],
            memory_training=setting["attention_memory_training"],
            position_wise_mlp_dim=setting["attention_position_wise_mlp_dim"],
            init_gru_gate_bias=setting["attention_init_gru_gate_bias"],
        )
        self.num_outputs = num_outputs
        xavier = nn.init.xavier_uniform_
        assert num_outputs is not None, "use_attention needs num_outputs"
        self._logits_branch = SlimFC(self.attention_dim, num_outputs, initializer=xavier)
        self._value_branch = SlimFC(self.attention_dim, 1, initializer=xavier)
        self._features: torch.Tensor | None = None

        self.view_requirements = self.gtrxl.view_requirements
        self.view_requirements["obs"].space = self.obs_space
        if self.use_n_prev_actions:
            self.view_requirements[SampleBatch.PREV_ACTIONS] = ViewRequirement(
                SampleBatch.ACTIONS,
                space=self.action_space,
                shift=f"-{self.use_n_prev_actions}:-1",
            )
        if self.use_n_prev_rewards:
            self.view_requirements[SampleBatch.PREV_REWARDS] = ViewRequirement(
                SampleBatch.REWARDS, shift=f"-{self.use_n_prev_rewards}:-1"
            )

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Run the wrapped model, append previous actions and rewards, run the GTrXL."""
        assert seq_lens is not None, "attention needs seq_lens"
        features, _ = self._wrapped_forward(input_dict, [], None)
        parts = [features]
        if self.use_n_prev_actions:
            parts.append(self._encode_actions(input_dict[SampleBatch.PREV_ACTIONS]))
        if self.use_n_prev_rewards:
            rewards = input_dict[SampleBatch.PREV_REWARDS].float()
            parts.append(rewards.reshape(-1, self.use_n_prev_rewards))
        merged = torch.cat(parts, dim=1) if len(parts) > 1 else features
        self._features, memories = self.gtrxl({"obs": merged}, state, seq_lens)
        return self._logits_branch(self._features), memories

    def _encode_actions(self, actions: TensorStruct) -> torch.Tensor:
        """Give the last n actions, one-hot where discrete, as [B * T, n * action_dim]."""
        width = self.use_n_prev_actions * self.action_dim
        if not self._flat_actions:
            flat: torch.Tensor = flatten_inputs_to_1d_tensor(
                actions, self.action_space_struct, time_axis=True
            )
            return flat.reshape(flat.shape[0], -1)
        space = self.action_space
        if isinstance(space, Discrete | MultiDiscrete):
            # RLlib takes n / components of MultiDiscrete actions instead of n, and raises.
            components = int(np.prod(space.shape)) if isinstance(space, MultiDiscrete) else 1
            each = actions.reshape(-1, components)
            actions = one_hot(each.squeeze(-1) if isinstance(space, Discrete) else each, space)
        encoded: torch.Tensor = actions.float().reshape(-1, width)
        return encoded

    def get_initial_state(self) -> list[torch.Tensor]:
        """Give zeros [attention_dim] for each unit; the trajectory view repeats them."""
        return [torch.zeros(self.attention_dim) for _ in range(self.gtrxl.num_transformer_units)]

    def value_function(self) -> torch.Tensor:
        """Give the values [B * T] of the last forward pass."""
        assert self._features is not None, "call forward() before value_function()"
        values: torch.Tensor = self._value_branch(self._features)
        return values.reshape(-1)
