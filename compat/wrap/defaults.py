"""The models that the old stack would have chosen, as RLModules.

DefaultModel      for algorithms with a policy and a value function
DefaultQModel     with DQN's heads
DefaultSacModel   SAC's policy and critics
"""

from __future__ import annotations

from rlmigrate.compat.wrap.model import wrap_model
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2

# The abstract class stands for whatever the old catalog picks from spaces and config.
DefaultModel = wrap_model(TorchModelV2, name="DefaultModel")
DefaultQModel = wrap_model(TorchModelV2, name="DefaultQModel", role="dqn")
DefaultSacModel = wrap_model(TorchModelV2, name="DefaultSacModel", role="sac")
