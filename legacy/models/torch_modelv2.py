"""The torch base of models."""

from __future__ import annotations

from typing import Any, cast

import gymnasium as gym
from torch import nn

from rlmigrate.legacy.models.modelv2 import ModelV2
from rlmigrate.legacy.types import ModelConfig


class TorchModelV2(ModelV2):
    """ModelV2 for torch; subclasses inherit from `nn.Module` too.

    The two constructors may be called in either order::

        class MyModel(TorchModelV2, nn.Module):
            def __init__(self, *args, **kwargs):
                TorchModelV2.__init__(self, *args, **kwargs)
                nn.Module.__init__(self)
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        if not isinstance(self, nn.Module):
            cls = type(self).__name__
            raise ValueError(
                f"{cls} extends TorchModelV2 but not torch.nn.Module; "
                f"write `class {cls}(TorchModelV2, nn.Module)`"
            )
        ModelV2.__init__(
            self, obs_space, action_space, num_outputs, model_config, name, framework="torch"
        )
        # What losses leave for stats_fn, per copy of the model.
        self.tower_stats: dict[str, Any] = {}

    def variables(self, as_dict: bool = False) -> Any:
        """List the parameters, or give them by name.

        Buffers are not among them. RLlib pairs the names of parameters and buffers with the
        parameters alone, which raises or misnames as soon as there is a BatchNorm.
        """
        module = cast(nn.Module, self)
        return dict(module.named_parameters()) if as_dict else list(module.parameters())

    def trainable_variables(self, as_dict: bool = False) -> Any:
        """List the parameters that require a gradient, or give them by name."""
        if as_dict:
            named = self.variables(as_dict=True)
            return {name: value for name, value in named.items() if value.requires_grad}
        return [value for value in self.variables() if value.requires_grad]
