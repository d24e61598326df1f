"""What DQN needs of a module that was a Keras model: the heads of DistributionalQTFModel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import nn

from rlmigrate.new_stack.layers.keras_layers import KerasActivation, KerasDense, last_dimension
from rlmigrate.new_stack.layers.keras_symbols import KerasInput, KerasLayer, KerasModel
from rlmigrate.new_stack.layers.noisy_layer import NoisyLayer
from rlmigrate.new_stack.layers.q_module import QModule


class KerasNoisy(KerasLayer):
    """A NoisyLayer in a net of Keras: float[B, n] -> float32[B, units]."""

    kind: ClassVar[str] = "noisy"

    def __init__(self, units: int, sigma0: float, activation: str | None = "relu") -> None:
        super().__init__()
        self.units, self.sigma0, self.activation = int(units), sigma0, activation
        self.layer: Any = None

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make weights and their noise."""
        self.layer = NoisyLayer(last_dimension(size), self.units, self.sigma0, self.activation)

    def forward(self, x: torch.Tensor) -> Any:
        """Apply the layer."""
        return self.layer(x)


class KerasQHead(nn.Module):
    """The head of the Q-values: what its net says, as distributions."""

    def __init__(self, net: KerasModel, distributions: Callable[[Any], Any]) -> None:
        super().__init__()
        self.net, self.distributions = net, distributions

    def forward(self, model_out: torch.Tensor) -> Any:
        """Return (scores, logits, probabilities); with atoms (scores, atoms, logits, logits, p)."""
        return self.distributions(self.net(model_out))


class KerasQModule(QModule):
    """QModule with the heads of DistributionalQTFModel, under its names."""

    masked_score: ClassVar[float] = torch.finfo(torch.float32).min

    def build_heads(self, settings: dict[str, Any], hiddens: list[int], actions: int) -> None:
        """Make the layers of the heads, in Keras's order."""
        plain = not hiddens and not settings["noisy"]
        net = self._keras_head(settings, None if plain else actions * self.num_atoms)
        self.q_value_head = KerasQHead(net, self.q_distributions)
        if self.dueling:
            self.state_value_head = self._keras_head(settings, self.num_atoms, values=True)

    def _keras_head(
        self, settings: dict[str, Any], size: int | None, *, values: bool = False
    ) -> KerasModel:
        inputs = out = KerasInput(shape=(self.num_outputs,))
        sigma = settings["sigma0"]
        for number, width in enumerate(settings["hiddens"]):
            if settings["noisy"]:
                out = KerasNoisy(width, sigma)(out)
            else:
                name = None if values else f"hidden_{number}"
                out = KerasDense(width, activation="relu", name=name)(out)
        if size is None:
            out = KerasActivation("linear")(out)
        elif settings["noisy"]:
            out = KerasNoisy(size, sigma, activation=None)(out)
        else:
            out = KerasDense(size)(out)
        return KerasModel(inputs, out)

    def get_q_value_distributions(self, model_out: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return (scores, logits, probabilities); with atoms (scores, atoms, logits, logits, p)."""
        found: tuple[torch.Tensor, ...] = self.q_value_head(model_out)
        return found

    def get_state_value(self, model_out: torch.Tensor) -> torch.Tensor:
        """Return the value part of a dueling net: float32[B, num_atoms]."""
        value: torch.Tensor = self.state_value_head(model_out)
        return value
