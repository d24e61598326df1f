"""No net at all, in torch (RLlib to 2.40)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2


class TorchNoopModel(TorchModelV2, nn.Module):
    """Give the flat observation as the output, as for SAC without a state preprocessor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # RLlib's own class lacks nn.Module and cannot be built.
        nn.Module.__init__(self)
        super().__init__(*args, **kwargs)

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Give obs_flat as float32."""
        return input_dict["obs_flat"].float(), state
