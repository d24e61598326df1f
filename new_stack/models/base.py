"""What all nets of the default modules have in common."""

from __future__ import annotations

import abc
from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.models.making import init_module

ENCODER_OUT = "encoder_out"
ACTOR = "actor"
CRITIC = "critic"


class Model(abc.ABC):
    """A net that is built from a config."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def get_initial_state(self) -> Any:
        """Return the state before the first step; {} for nets without one."""
        return {}

    @abc.abstractmethod
    def _forward(self, inputs: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""

    @abc.abstractmethod
    def get_num_parameters(self) -> tuple[int, int]:
        """Count trainable and frozen parameters."""


class Encoder(Model, abc.ABC):
    """A net from a batch to features, under `ENCODER_OUT`."""


class TorchModel(nn.Module, Model, abc.ABC):
    """A net in torch; subclasses override `_forward`."""

    def __init__(self, config: Any) -> None:
        init_module(self)
        self.__dict__["config"] = config  # nothing for nn.Module.__setattr__ to look at

    def forward(self, inputs: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""
        return self._forward(inputs, **kwargs)

    def get_num_parameters(self) -> tuple[int, int]:
        """Count trainable and frozen parameters."""
        counts = {True: 0, False: 0}
        for parameter in self.parameters():
            counts[parameter.requires_grad] += parameter.numel()
        return counts[True], counts[False]

    def _set_to_dummy_weights(
        self, value_sequence: tuple[float, ...] = (-0.02, -0.01, 0.01, 0.02)
    ) -> None:
        parameters = sorted(self.parameters(), key=lambda p: not p.requires_grad)
        with torch.no_grad():
            for index, parameter in enumerate(parameters):
                parameter.fill_(value_sequence[index % len(value_sequence)])
