"""DQN's heads, in torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.legacy.models.misc import SlimFC
from rlmigrate.legacy.models.modules.noisy_layer import NoisyLayer
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.types import ModelConfig


class DQNTorchModel(TorchModelV2, nn.Module):
    """Advantages and, if `dueling`, state values behind a model; mixed in as model_interface.

    q_hiddens: sizes of the layers of each of the two branches.
    num_atoms: more than 1 for distributional Q-learning on [v_min, v_max].
    use_noisy, sigma0: NoisyLayers in place of dense ones.
    add_layer_norm: a LayerNorm behind each hidden layer, for parameter noise.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        *,
        q_hiddens: Sequence[int] = (256,),
        dueling: bool = False,
        dueling_activation: str = "relu",
        num_atoms: int = 1,
        use_noisy: bool = False,
        v_min: float = -10.0,
        v_max: float = 10.0,
        sigma0: float = 0.5,
        add_layer_norm: bool = False,
    ) -> None:
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.dueling = dueling
        self.num_atoms = num_atoms
        self.v_min = v_min
        self.v_max = v_max
        self.sigma0 = sigma0

        def dense(inputs: int, size: int, activation: Any) -> nn.Module:
            if use_noisy:
                return NoisyLayer(inputs, size, sigma0=sigma0, activation=activation)
            return SlimFC(inputs, size, activation_fn=activation)

        advantages, values = nn.Sequential(), nn.Sequential()
        size = int(self.num_outputs if num_outputs is None else num_outputs)
        # Both branches layer by layer, as RLlib draws their weights.
        for index, hidden in enumerate(q_hiddens):
            for branch, letter in ((advantages, "A"), (values, "V")):
                layer = dense(size, hidden, dueling_activation)
                branch.add_module(f"dueling_{letter}_{index}", layer)
                if add_layer_norm and not use_noisy:
                    branch.add_module(f"LayerNorm_{letter}_{index}", nn.LayerNorm(hidden))
            size = hidden
        if q_hiddens or use_noisy:
            outputs = int(self.action_space.n) * num_atoms
            advantages.add_module("A", dense(size, outputs, None))
        self.advantage_module = advantages
        if dueling:
            if q_hiddens or use_noisy:
                values.add_module("V", dense(size, num_atoms, None))
            self.value_module = values

    def get_q_value_distributions(self, model_out: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Give Q-values or advantages of all actions.

        model_out: float32[B, num_outputs]. Gives (scores [B, A], logits, probabilities) with ones
        [B, A, 1] for the latter, or, with more than one atom, (scores [B, A], support [atoms],
        logits [B, A, atoms], the same logits, probabilities [B, A, atoms]).
        """
        scores: torch.Tensor = self.advantage_module(model_out)
        if self.num_atoms == 1:
            ones = torch.ones_like(scores).unsqueeze(-1)
            return scores, ones, ones
        support = torch.arange(0.0, self.num_atoms, dtype=torch.float32).to(scores.device)
        support = self.v_min + support * (self.v_max - self.v_min) / float(self.num_atoms - 1)
        logits = scores.reshape(-1, int(self.action_space.n), self.num_atoms)
        probabilities = torch.softmax(logits, dim=-1)
        return (
            torch.sum(support * probabilities, dim=-1),
            support,
            logits,
            logits,
            probabilities,
        )

    def get_state_value(self, model_out: torch.Tensor) -> torch.Tensor:
        """Give state values [B, num_atoms]; needs `dueling`."""
        return self.value_module(model_out)  # type: ignore[no-any-return]
