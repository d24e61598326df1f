"""DefaultModel: the model that the old stack would have chosen, as an RLModule."""

from __future__ import annotations

from rlmigrate.compat.wrap.model import wrap_model
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2

# The abstract class stands for whatever the old catalog picks from spaces and config.
DefaultModel = wrap_model(TorchModelV2, name="DefaultModel")
