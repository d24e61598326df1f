"""The attention net that RLlib put around a model trained with use_attention."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.layers.gtrxl import GTrXLNet
from rlmigrate.new_stack.layers.model_wrapper import ModelWrapper, action_numbers, action_size
from rlmigrate.new_stack.layers.views import ViewRequirement


class AttentionWrapper(ModelWrapper):
    """GTrXL over the outputs of a module: `class MyAttention(AttentionWrapper, MyModule)`.

    Reads the `attention_*` settings of the model config; previous actions and rewards come from the
    ViewColumns connectors. States: for each unit its inputs at the steps before, float32[B,
    attention_memory_inference, attention_dim], which the old stack put together by view
    requirements.
    """

    def setup(self) -> None:
        """Build the module, the attention net and its heads."""
        super().setup()
        self.use_n_prev_actions = int(self._wrapper_setting("attention_use_n_prev_actions"))
        self.use_n_prev_rewards = int(self._wrapper_setting("attention_use_n_prev_rewards"))
        size = int(self.num_outputs or 0) + self.use_n_prev_rewards
        views = dict(getattr(self, "view_requirements", {}))
        if self.use_n_prev_actions:
            if isinstance(self.action_space, gym.spaces.MultiDiscrete):
                raise ValueError(
                    "attention_use_n_prev_actions fails on MultiDiscrete actions, on RLlib's old "
                    "stack too; leave it 0"
                )
            size += self.use_n_prev_actions * action_size(self.action_space)
            views["prev_actions"] = ViewRequirement(
                "actions", shift=f"-{self.use_n_prev_actions}:-1"
            )
        if self.use_n_prev_rewards:
            views["prev_rewards"] = ViewRequirement(
                "rewards", shift=f"-{self.use_n_prev_rewards}:-1"
            )
        self.view_requirements = views  # ViewColumns supplies what is named here
        self.attention_dim = int(self._wrapper_setting("attention_dim"))
        self._memory_size = int(self._wrapper_setting("attention_memory_inference"))
        self.gtrxl = GTrXLNet(
            size,
            num_transformer_units=int(self._wrapper_setting("attention_num_transformer_units")),
            attention_dim=self.attention_dim,
            num_heads=int(self._wrapper_setting("attention_num_heads")),
            head_dim=int(self._wrapper_setting("attention_head_dim")),
            position_wise_mlp_dim=int(self._wrapper_setting("attention_position_wise_mlp_dim")),
            init_gru_gate_bias=float(self._wrapper_setting("attention_init_gru_gate_bias")),
        )
        self._build_heads(self.attention_dim)

    def get_initial_state(self) -> dict[str, Any]:
        """Return memories of nothing but zeros."""
        units = self.gtrxl.num_transformer_units
        return {
            f"memory_{i}": torch.zeros(self._memory_size, self.attention_dim) for i in range(units)
        }

    def _seen_before(self, rows: dict[str, Any]) -> list[torch.Tensor]:
        """Return the last actions as numbers and the last rewards, where the config asks."""
        seen = []
        if self.use_n_prev_actions:
            actions = rows["prev_actions"]  # [B * T, n, ...]
            numbers = action_numbers(actions.flatten(0, 1), self.action_space)
            seen.append(numbers.reshape(len(actions), -1))
        if self.use_n_prev_rewards:
            seen.append(rows["prev_rewards"].float().reshape(-1, self.use_n_prev_rewards))
        return seen

    def _run_memory(self, batch: dict[str, Any], **kwargs: Any) -> tuple[torch.Tensor, Any]:
        """Run the attention net, and roll the memories on by the steps that it saw."""
        states = batch[Columns.STATE_IN]
        memories = [states[f"memory_{i}"] for i in range(len(states))]
        features, inputs = self.gtrxl(self._memory_inputs(batch, **kwargs), memories)
        return features, {
            f"memory_{i}": torch.cat([memory, steps], dim=1)[:, -self._memory_size :]
            for i, (memory, steps) in enumerate(zip(memories, inputs, strict=True))
        }
