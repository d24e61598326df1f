"""A MobileNet v2 as the encoder of an actor-critic module.

MobileNetV2EncoderConfig     what to build, with `network` to put another net in its place
MobileNetV2Encoder           images to 1000 features
MobileNetTorchPPORLModule    PPO's module on such an encoder
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule
from rlmigrate.new_stack.models.base import ENCODER_OUT, Encoder, TorchModel
from rlmigrate.new_stack.models.configs import (
    ActorCriticEncoderConfig,
    MLPHeadConfig,
    ModelConfig,
)

MOBILENET_INPUT_SHAPE = (3, 224, 224)


_OR_ANOTHER = (
    "or give a net of your own for images that ends in 1000 features: "
    'model_config={"network": make_net}, or MobileNetV2EncoderConfig(network=make_net)'
)


def pretrained() -> nn.Module:
    """Load the net with the weights of torchvision.

    Raises ModuleError where torchvision is not installed, or cannot download the weights.
    """
    try:
        from torchvision.models import mobilenet_v2  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ModuleError(
            f"MobileNet v2 comes from torchvision: run `pip install torchvision`, {_OR_ANOTHER}"
        ) from error
    try:
        net: nn.Module = mobilenet_v2(weights="DEFAULT")
    except OSError as error:
        raise ModuleError(
            f"MobileNet v2's weights could not be downloaded ({error}); put them into torch's hub "
            f"folder, {_OR_ANOTHER}"
        ) from error
    return net


@dataclass
class MobileNetV2EncoderConfig(ModelConfig):
    """Flat features of a net for images; `freeze` keeps its weights as they are."""

    freeze: bool = True
    network: Callable[[], nn.Module] = pretrained

    @property
    def output_dims(self) -> tuple[int]:
        """The net ends in 1000 classes."""
        return (1000,)

    def build(self, framework: str = "torch") -> MobileNetV2Encoder:
        """Build the encoder; raises ValueError for another framework than torch."""
        if framework != "torch":
            raise ValueError(f"framework: expected 'torch', got {framework!r}")
        return MobileNetV2Encoder(self)


class MobileNetV2Encoder(TorchModel, Encoder):
    """Images `float32[B, 3, 224, 224]` to `float32[B, 1000]`."""

    def __init__(self, config: MobileNetV2EncoderConfig) -> None:
        super().__init__(config)
        self.net = config.network()
        if config.freeze:
            self.net.requires_grad_(False)

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {ENCODER_OUT: self.net(inputs["obs"])}


class MobileNetTorchPPORLModule(DefaultPPOTorchRLModule):
    """PPO's module, its encoder not from the catalog; model_config may hold `network`."""

    def setup(self) -> None:
        """Build encoder and heads."""
        network = self.model_config.get("network", pretrained)
        encoder = MobileNetV2EncoderConfig(network=network)
        actions = int(self.action_space.n)
        dims = encoder.output_dims
        self.encoder = ActorCriticEncoderConfig(base_encoder_config=encoder).build("torch")
        self.pi = MLPHeadConfig(input_dims=dims, output_layer_dim=actions).build("torch")
        self.vf = MLPHeadConfig(input_dims=dims, output_layer_dim=1).build("torch")
