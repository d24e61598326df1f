"""SAC's policy and Q nets, in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rlmigrate.legacy.models.sac_nets import SACNets
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.types import ModelConfig


class SACTorchModel(SACNets, TorchModelV2, nn.Module):
    """SAC's nets, with `log_alpha` and `target_entropy` as parameters; see SACNets."""

    net_framework = "torch"

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        policy_model_config: ModelConfig | None = None,
        q_model_config: ModelConfig | None = None,
        twin_q: bool = False,
        initial_alpha: float = 1.0,
        target_entropy: Any = None,
    ) -> None:
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self._build_nets(policy_model_config, q_model_config, twin_q=twin_q)
        self.log_alpha = nn.Parameter(torch.from_numpy(np.array([np.log(initial_alpha)])).float())
        entropy = np.array([self._target_entropy(target_entropy)])
        self.target_entropy = nn.Parameter(torch.from_numpy(entropy).float(), requires_grad=False)

    @staticmethod
    def _concat(parts: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat([part.unsqueeze(1) if part.dim() == 1 else part for part in parts], -1)
