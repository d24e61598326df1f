"""Cases of RLM101; fixtures/models has many more, each with its numbers compared."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case

NEW_STACK = """
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import nn


class Policy(TorchRLModule):
    def setup(self):
        self.pi = nn.Linear(4, 2)

    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self.pi(batch[Columns.OBS])}
"""

LOOK_ALIKE = """
# Not rllib's, though it is called so.
from torch import nn


class TorchModelV2(nn.Module):
    def forward(self, input_dict, state, seq_lens):
        return input_dict["obs"], state


class Policy(TorchModelV2):
    pass
"""

WRAPPED = """
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from rlmigrate import wrap_model
from torch import nn


class LegacyPolicy(TorchModelV2, nn.Module):
    def forward(self, input_dict, state, seq_lens):
        return input_dict["obs"], state


Policy = wrap_model(LegacyPolicy, name="Policy")
"""

PLAIN_MODULE = """
import ray.rllib
from torch import nn


class Encoder(nn.Module):
    def forward(self, input_dict, state, seq_lens):
        return input_dict["obs"], state
"""

UNCHANGED: tuple[Case, ...] = (
    Case("a module of the new stack", NEW_STACK),
    Case("a class that is only called TorchModelV2", LOOK_ALIKE),
    Case("a model that is wrapped already", WRAPPED),
    Case("a torch module that is no model", PLAIN_MODULE),
    Case("an empty file", ""),
)

TEXTBOOK_BEFORE = '''from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Policy(TorchModelV2, nn.Module):
    """Two layers and no more."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name, width=16):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(obs_space.shape[0], width)
        self.pi = nn.Linear(width, action_space.n)
        self.vf = nn.Linear(width, 1)

    def forward(self, input_dict, state, seq_lens):
        self._hidden = self.body(input_dict["obs"])  # for the value head
        return self.pi(self._hidden), state

    def value_function(self):
        return self.vf(self._hidden).squeeze(1)


config = PPOConfig().environment("CartPole-v1")
'''

TEXTBOOK_AFTER = '''from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import nn


class Policy(TorchRLModule, ValueFunctionAPI):
    """Two layers and no more."""

    def setup(self):
        width = self.model_config.get("width", 16)
        self.body = nn.Linear(self.observation_space.shape[0], width)
        self.pi = nn.Linear(width, self.action_space.n)
        self.vf = nn.Linear(width, 1)

    def _forward(self, batch, **kwargs):
        outs = self._forward_train(batch, **kwargs)
        del outs[Columns.EMBEDDINGS]  # only compute_values() needs them
        return outs

    def _forward_train(self, batch, **kwargs):
        hidden = self.body(batch[Columns.OBS])  # for the value head
        return {
            Columns.ACTION_DIST_INPUTS: self.pi(hidden),
            Columns.EMBEDDINGS: hidden,
        }

    def compute_values(self, batch, embeddings=None):
        if embeddings is None:
            embeddings = self._forward_train(batch)[Columns.EMBEDDINGS]
        return self.vf(embeddings).squeeze(1)


config = PPOConfig().environment("CartPole-v1")
'''

CASES: tuple[Case, ...] = (Case("a value head on kept features", TEXTBOOK_BEFORE, TEXTBOOK_AFTER),)
