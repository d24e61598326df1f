"""Legacy models that the tests of several parts of compat build."""

from __future__ import annotations

import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Features(TorchModelV2, nn.Module):
    """A custom model that DQN puts its heads on."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(4, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        return torch.relu(self.body(input_dict["obs"])), state
