"""The configs of the default modules' nets; each builds its net."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rlmigrate.new_stack.layers.padding import same_padding, valid_padding
from rlmigrate.new_stack.models.activations import activation_for, initializer_for
from rlmigrate.new_stack.models.actor_critic import (
    TorchActorCriticEncoder,
    TorchStatefulActorCriticEncoder,
)
from rlmigrate.new_stack.models.encoders import TorchCNNEncoder, TorchMLPEncoder
from rlmigrate.new_stack.models.heads import (
    TorchCNNTransposeHead,
    TorchFreeLogStdMLPHead,
    TorchMLPHead,
)
from rlmigrate.new_stack.models.multi_stream import TorchMultiStreamEncoder
from rlmigrate.new_stack.models.padding import pair, same_padding_after_stride, strided_size
from rlmigrate.new_stack.models.recurrent import TorchGRUEncoder, TorchLSTMEncoder


def _check_framework(config: object, framework: str) -> None:
    if framework != "torch":
        raise ValueError(
            f"{type(config).__name__}.build(): framework must be 'torch', not {framework!r}"
        )


def _check_rank(config: Any, name: str, rank: int) -> None:
    dims = getattr(config, name)
    if dims is not None and len(dims) != rank:
        raise ValueError(f"{type(config).__name__}.{name} must have {rank} entries, is {dims}")


@dataclass
class ModelConfig(abc.ABC):
    """What every config has: the shape of one observation or feature vector."""

    input_dims: Any = None
    always_check_shapes: bool = False

    @abc.abstractmethod
    def build(self, framework: str) -> Any:
        """Build the net."""

    @property
    def output_dims(self) -> tuple[int, ...] | None:
        """Return the shape of one output."""
        return None


@dataclass
class _MLPConfig(ModelConfig):
    hidden_layer_dims: Sequence[int] = (256, 256)
    hidden_layer_use_bias: bool = True
    hidden_layer_activation: Any = "relu"
    hidden_layer_use_layernorm: bool = False
    hidden_layer_weights_initializer: Any = None
    hidden_layer_weights_initializer_config: dict[str, Any] | None = None
    hidden_layer_bias_initializer: Any = None
    hidden_layer_bias_initializer_config: dict[str, Any] | None = None
    output_layer_dim: int | None = None
    output_layer_use_layernorm: bool = False
    output_layer_use_bias: bool = True
    output_layer_activation: Any = "linear"
    output_layer_weights_initializer: Any = None
    output_layer_weights_initializer_config: dict[str, Any] | None = None
    output_layer_bias_initializer: Any = None
    output_layer_bias_initializer_config: dict[str, Any] | None = None
    clip_log_std: bool = False
    log_std_clip_param: float = 20.0

    @property
    def output_dims(self) -> tuple[int, ...]:
        """Return the size of the last layer.

        Raises ValueError where there is no layer.
        """
        if self.output_layer_dim is None and not self.hidden_layer_dims:
            raise ValueError(
                f"{type(self).__name__}: give output_layer_dim, or hidden_layer_dims such as [32]"
            )
        return (int(self.output_layer_dim or self.hidden_layer_dims[-1]),)

    def _validate(self, framework: str) -> None:
        _check_framework(self, framework)
        _check_rank(self, "input_dims", 1)
        assert len(self.output_dims) == 1
        if self.log_std_clip_param is None:
            raise ValueError(f"{type(self).__name__}.log_std_clip_param must be a number, is None")
        activation_for(self.hidden_layer_activation)
        activation_for(self.output_layer_activation)
        for name in (
            self.hidden_layer_weights_initializer,
            self.hidden_layer_bias_initializer,
            self.output_layer_weights_initializer,
            self.output_layer_bias_initializer,
        ):
            initializer_for(name)


@dataclass
class MLPHeadConfig(_MLPConfig):
    """A fully connected head."""

    def build(self, framework: str = "torch") -> Any:
        """Build the net."""
        self._validate(framework)
        return TorchMLPHead(self)


@dataclass
class FreeLogStdMLPHeadConfig(_MLPConfig):
    """A fully connected head for means, with log standard deviations that are parameters."""

    def build(self, framework: str = "torch") -> Any:
        """Build the net.

        Raises ValueError if the number of outputs is odd.
        """
        self._validate(framework)
        if self.output_dims[0] % 2:
            raise ValueError(
                f"FreeLogStdMLPHeadConfig: outputs must be even, are {self.output_dims}"
            )
        return TorchFreeLogStdMLPHead(self)


@dataclass
class MLPEncoderConfig(_MLPConfig):
    """A fully connected encoder; without any layer it passes the observation on."""

    @property
    def output_dims(self) -> tuple[int, ...]:
        """Return the size of the last layer, or of the observation."""
        if self.output_layer_dim is None and not self.hidden_layer_dims and self.input_dims:
            return (int(self.input_dims[0]),)
        return super().output_dims

    def build(self, framework: str = "torch") -> Any:
        """Build the net."""
        self._validate(framework)
        return TorchMLPEncoder(self)


@dataclass
class CNNEncoderConfig(ModelConfig):
    """A convolutional encoder of images: (width, height, channels)."""

    cnn_filter_specifiers: Any = field(
        default_factory=lambda: [[16, [4, 4], 2], [32, [4, 4], 2], [64, [8, 8], 2]]
    )
    cnn_use_bias: bool = True
    cnn_activation: Any = "relu"
    cnn_use_layernorm: bool = False
    cnn_kernel_initializer: Any = None
    cnn_kernel_initializer_config: dict[str, Any] | None = None
    cnn_bias_initializer: Any = None
    cnn_bias_initializer_config: dict[str, Any] | None = None
    flatten_at_end: bool = True

    @property
    def output_dims(self) -> tuple[int, ...] | None:
        """Return the shape of the features."""
        if not self.input_dims:
            return None
        width, height, depth = self.input_dims
        for channels, kernel, stride, *padding in self.cnn_filter_specifiers:
            if not padding or padding[0] == "same":
                _, (width, height) = same_padding((width, height), kernel, stride)
            else:
                width, height = valid_padding((width, height), kernel, stride)
            depth = channels
        dims = (int(width), int(height), int(depth))
        return (int(np.prod(dims)),) if self.flatten_at_end else dims

    def build(self, framework: str = "torch") -> Any:
        """Build the net."""
        _check_framework(self, framework)
        _check_rank(self, "input_dims", 3)
        return TorchCNNEncoder(self)


@dataclass
class CNNTransposeHeadConfig(ModelConfig):
    """A head that makes images from features."""

    initial_image_dims: Any = field(default_factory=lambda: [4, 4, 96])
    initial_dense_weights_initializer: Any = None
    initial_dense_weights_initializer_config: dict[str, Any] | None = None
    initial_dense_bias_initializer: Any = None
    initial_dense_bias_initializer_config: dict[str, Any] | None = None
    cnn_transpose_filter_specifiers: Any = field(
        default_factory=lambda: [[48, [4, 4], 2], [24, [4, 4], 2], [3, [4, 4], 2]]
    )
    cnn_transpose_use_bias: bool = True
    cnn_transpose_activation: Any = "relu"
    cnn_transpose_use_layernorm: bool = False
    cnn_transpose_kernel_initializer: Any = None
    cnn_transpose_kernel_initializer_config: dict[str, Any] | None = None
    cnn_transpose_bias_initializer: Any = None
    cnn_transpose_bias_initializer_config: dict[str, Any] | None = None

    @property
    def output_dims(self) -> tuple[int, ...]:
        """Return the shape of the image."""
        width, height, depth = self.initial_image_dims
        for channels, kernel, stride in self.cnn_transpose_filter_specifiers:
            s_w, s_h = pair(stride)
            strided = strided_size(width, s_w), strided_size(height, s_h)
            _, (width, height) = same_padding_after_stride(strided, kernel, stride)
            depth = channels
        return (width, height, depth)

    def build(self, framework: str = "torch") -> Any:
        """Build the net."""
        _check_framework(self, framework)
        _check_rank(self, "input_dims", 1)
        return TorchCNNTransposeHead(self)


@dataclass
class RecurrentEncoderConfig(ModelConfig):
    """An LSTM or GRU, after a tokenizer if there is one."""

    recurrent_layer_type: str = "lstm"
    hidden_dim: Any = None
    num_layers: Any = None
    batch_major: bool = True
    hidden_weights_initializer: Any = None
    hidden_weights_initializer_config: dict[str, Any] | None = None
    use_bias: bool = True
    hidden_bias_initializer: Any = None
    hidden_bias_initializer_config: dict[str, Any] | None = None
    tokenizer_config: ModelConfig | None = None

    @property
    def output_dims(self) -> tuple[int, ...]:
        """Return the size of the hidden state."""
        return (self.hidden_dim,)

    def build(self, framework: str = "torch") -> Any:
        """Build the net.

        Raises ValueError for a layer type other than "lstm" and "gru".
        """
        _check_framework(self, framework)
        if self.recurrent_layer_type not in ("gru", "lstm"):
            raise ValueError(
                "RecurrentEncoderConfig.recurrent_layer_type must be 'gru' or 'lstm', not "
                f"{self.recurrent_layer_type!r}"
            )
        return (TorchLSTMEncoder if self.recurrent_layer_type == "lstm" else TorchGRUEncoder)(self)


@dataclass
class ActorCriticEncoderConfig(ModelConfig):
    """An encoder for actor and critic, shared or one for each."""

    base_encoder_config: Any = None
    shared: bool = True
    inference_only: bool = False

    def build(self, framework: str = "torch") -> Any:
        """Build the net."""
        _check_framework(self, framework)
        stateful = isinstance(self.base_encoder_config, RecurrentEncoderConfig)
        return (TorchStatefulActorCriticEncoder if stateful else TorchActorCriticEncoder)(self)


@dataclass
class MultiStreamEncoderConfig(ModelConfig):
    """Encoders for several inputs, and a net over their features together."""

    base_encoder_configs: Any = None
    hidden_layer_dims: Sequence[int] = (256, 256, 256)
    hidden_layer_use_bias: bool = True
    hidden_layer_activation: Any = "relu"
    hidden_layer_weights_initializer: Any = None
    hidden_layer_weights_initializer_config: dict[str, Any] | None = None
    hidden_layer_bias_initializer: Any = None
    hidden_layer_bias_initializer_config: dict[str, Any] | None = None
    output_layer_dim: int | None = None
    output_layer_use_bias: bool = True
    output_layer_activation: Any = "linear"
    output_layer_weights_initializer: Any = None
    output_layer_weights_initializer_config: dict[str, Any] | None = None
    output_layer_bias_initializer: Any = None
    output_layer_bias_initializer_config: dict[str, Any] | None = None

    @property
    def output_dims(self) -> tuple[int, ...]:
        """Return the size of the last layer, or of all features together."""
        if self.output_layer_dim is not None:
            return (self.output_layer_dim,)
        if self.hidden_layer_dims:
            return (self.hidden_layer_dims[-1],)
        return (sum(config.output_dims[0] for config in self.base_encoder_configs.values()),)

    def build(self, framework: str = "torch") -> Any:
        """Build the net.

        Raises ValueError if there are no streams.
        """
        _check_framework(self, framework)
        if not self.base_encoder_configs:
            raise ValueError("MultiStreamEncoderConfig.base_encoder_configs must not be empty")
        _check_rank(self, "input_dims", 1)
        return TorchMultiStreamEncoder(self)
