"""Cases of RLM102; fixtures/models has more."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case
from rlmigrate.migrate.rules.cases.rlm101 import LOOK_ALIKE, NEW_STACK, WRAPPED

UNCHANGED: tuple[Case, ...] = (
    Case("a module of the new stack", NEW_STACK),
    Case("a class that is only called TorchModelV2", LOOK_ALIKE),
    Case("a model that is wrapped already", WRAPPED),
)

COUNTS_BEFORE = """from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.pi = nn.Linear(obs_space.shape[0], num_outputs)
        self.calls = 0

    def forward(self, input_dict, state, seq_lens):
        self.calls += 1
        return self.pi(input_dict["obs"]) / self.calls, state
"""

COUNTS_AFTER = """from rlmigrate import wrap_model
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from torch import nn


class LegacyPolicy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.pi = nn.Linear(obs_space.shape[0], num_outputs)
        self.calls = 0

    def forward(self, input_dict, state, seq_lens):
        self.calls += 1
        return self.pi(input_dict["obs"]) / self.calls, state


# On the old model, because it counts in self.calls.
Policy = wrap_model(LegacyPolicy, name="Policy")
"""

CASES: tuple[Case, ...] = (Case("state between calls", COUNTS_BEFORE, COUNTS_AFTER),)
