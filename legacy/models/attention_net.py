"""GTrXL, in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.legacy.batches import ViewRequirement
from rlmigrate.legacy.models.misc import SlimFC
from rlmigrate.legacy.models.modules.gru_gate import GRUGate
from rlmigrate.legacy.models.modules.relative_multi_head_attention import (
    RelativeMultiHeadAttention,
)
from rlmigrate.legacy.models.modules.skip_connection import SkipConnection
from rlmigrate.legacy.models.recurrent_net import RecurrentNetwork
from rlmigrate.legacy.types import ModelConfig


class GTrXLNet(RecurrentNetwork, nn.Module):
    """A gated transformer with memory, for vectors.

    Parisotto et al., Stabilizing Transformers for Reinforcement Learning, 2019. States: for
    each unit its inputs at the last `memory_inference` steps, float32[B, M, attention_dim];
    new states are those of this call, float32[B * T, attention_dim], and the trajectory view
    puts them together. `memory_training` is kept, and used by nothing, as in RLlib.
    """

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        *,
        num_transformer_units: int = 1,
        attention_dim: int = 64,
        num_heads: int = 2,
        memory_inference: int = 50,
        memory_training: int = 50,
        head_dim: int = 32,
        position_wise_mlp_dim: int = 32,
        init_gru_gate_bias: float = 2.0,
    ) -> None:
        super().__init__(observation_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.num_transformer_units = num_transformer_units
        self.attention_dim = attention_dim
        self.num_heads = num_heads
        self.memory_inference = memory_inference
        self.memory_training = memory_training
        self.head_dim = head_dim
        self.max_seq_len = model_config.get("max_seq_len", 20)
        assert observation_space.shape is not None
        self.obs_dim = observation_space.shape[0]

        self.linear_layer = SlimFC(self.obs_dim, attention_dim)
        units: list[nn.Module] = []
        for _ in range(num_transformer_units):
            attention = RelativeMultiHeadAttention(
                attention_dim,
                attention_dim,
                num_heads,
                head_dim,
                input_layernorm=True,
                output_activation=nn.ReLU,
            )
            units.append(SkipConnection(attention, GRUGate(attention_dim, init_gru_gate_bias)))
            mlp = nn.Sequential(
                nn.LayerNorm(attention_dim),
                SlimFC(attention_dim, position_wise_mlp_dim, None, nn.ReLU, use_bias=False),
                SlimFC(position_wise_mlp_dim, attention_dim, None, nn.ReLU, use_bias=False),
            )
            units.append(SkipConnection(mlp, GRUGate(attention_dim, init_gru_gate_bias)))
        self.attention_layers = nn.Sequential(*units)

        self.logits: SlimFC | None = None
        self.values_out: SlimFC | None = None
        self._value_out: torch.Tensor | None = None
        if num_outputs is None:
            self.num_outputs = attention_dim
        else:
            self.logits = SlimFC(attention_dim, num_outputs, activation_fn=nn.ReLU)
            self.values_out = SlimFC(attention_dim, 1)

        space = gym.spaces.Box(-1.0, 1.0, shape=(attention_dim,))
        for unit in range(num_transformer_units):
            self.view_requirements[f"state_in_{unit}"] = ViewRequirement(
                f"state_out_{unit}",
                shift=f"-{memory_inference}:-1",
                # In training, the memory is needed at the start of each sequence only.
                batch_repeat_value=self.max_seq_len,
                space=space,
            )
            self.view_requirements[f"state_out_{unit}"] = ViewRequirement(
                space=space, used_for_training=False
            )

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Compute outputs [B * T, num_outputs or attention_dim] and the inputs of each unit."""
        assert seq_lens is not None, "attention needs seq_lens"
        obs = input_dict["obs"]
        if seq_lens.shape[0] == 0:
            raise ValueError("attention: seq_lens is empty, there are no sequences")
        steps = obs.shape[0] // seq_lens.shape[0]
        out: torch.Tensor = self.linear_layer(obs.reshape(-1, steps, *obs.shape[1:]))
        inputs_of_units = []
        for index, layer in enumerate(self.attention_layers):
            if index % 2 == 0:
                inputs_of_units.append(out)
                out = layer(out, memory=state[index // 2])
            else:
                out = layer(out)
        if self.logits is not None:
            assert self.values_out is not None
            self._value_out = self.values_out(out)
            out = self.logits(out)
        memories = [inputs.reshape(-1, self.attention_dim) for inputs in inputs_of_units]
        return out.reshape(-1, out.shape[-1]), memories

    def get_initial_state(self) -> list[torch.Tensor]:
        """Give no states: the trajectory view fills the memory with zeros."""
        return []

    def value_function(self) -> torch.Tensor:
        """Give the values [B * T] of the last forward pass."""
        assert self._value_out is not None, (
            "call forward() before value_function(); without num_outputs there is no value head"
        )
        return self._value_out.reshape(-1)
