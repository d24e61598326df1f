"""Layers of Keras as torch modules: shapes, activations and numbers are Keras's.

keras_activation, keras_parameter   functions and weights by Keras's names
KerasDense, KerasFlatten, KerasReshape, KerasConcatenate, ...   the layers
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import torch
import torch.nn.functional as F
from torch import nn

from rlmigrate.new_stack.layers.keras_symbols import KerasLayer

Activation: TypeAlias = str | Callable[[torch.Tensor], torch.Tensor] | None
Initializer: TypeAlias = str | Callable[[torch.Tensor], Any]
KERAS_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "elu": F.elu,
    "exponential": torch.exp,
    "gelu": F.gelu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "linear": lambda x: x,
    "log_softmax": lambda x: torch.log_softmax(x, dim=-1),
    "relu": torch.relu,
    "relu6": F.relu6,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "softmax": lambda x: torch.softmax(x, dim=-1),
    "softplus": F.softplus,
    "softsign": F.softsign,
    "swish": F.silu,
    "tanh": torch.tanh,
}


def keras_activation(activation: Activation) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the function of an activation. Raises ValueError for a name that is not known."""
    if callable(activation):
        return activation
    name = activation or "linear"
    if name not in KERAS_ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(KERAS_ACTIVATIONS)}")
    return KERAS_ACTIVATIONS[name]


#: What initializers draw: scale, which of the fans it is divided by, and the distribution.
KERAS_SCALES: dict[str, tuple[float, str, str]] = {
    "glorot_normal": (1.0, "avg", "normal"),
    "glorot_uniform": (1.0, "avg", "uniform"),
    "he_normal": (2.0, "in", "normal"),
    "he_uniform": (2.0, "in", "uniform"),
    "lecun_normal": (1.0, "in", "normal"),
    "lecun_uniform": (1.0, "in", "uniform"),
}
KERAS_FILLS: dict[str, Callable[[torch.Tensor], Any]] = {
    "ones": nn.init.ones_,
    "orthogonal": nn.init.orthogonal_,
    "uniform": lambda weight: nn.init.uniform_(weight, -0.05, 0.05),
    "zeros": nn.init.zeros_,
}


def keras_parameter(shape: Sequence[int], initializer: Initializer) -> nn.Parameter:
    """Make a weight [out, in, ...]; "glorot_uniform" is what Keras draws where nothing is said."""
    parameter = nn.Parameter(torch.zeros(*shape))
    if callable(initializer):
        initializer(parameter)
        return parameter
    if initializer in KERAS_FILLS:
        KERAS_FILLS[initializer](parameter)
        return parameter
    if initializer not in KERAS_SCALES:
        raise ValueError(f"unknown initializer {initializer!r}; give a function of the weight")
    scale, mode, kind = KERAS_SCALES[initializer]
    area = math.prod(shape[2:])
    fans = {"in": shape[1] * area, "avg": (shape[0] + shape[1]) * area / 2}
    spread = math.sqrt(scale / max(1.0, fans[mode]))
    if kind == "uniform":
        nn.init.uniform_(parameter, -spread * math.sqrt(3), spread * math.sqrt(3))
    else:  # cut at two deviations, and widened to have the deviation all the same
        wide = spread / 0.87962566103423978
        nn.init.trunc_normal_(parameter, std=wide, a=-2 * wide, b=2 * wide)
    return parameter


def last_dimension(size: Sequence[int | None]) -> int:
    """Return the last dimension. Raises ValueError where it is open."""
    if not size or size[-1] is None:
        raise ValueError(f"a layer needs to know the last dimension of its input, which is {size}")
    return size[-1]


class KerasDense(KerasLayer):
    """Dense: float[B, ..., n] -> float32[B, ..., units]."""

    def __init__(
        self,
        units: int,
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units, self.activation = int(units), keras_activation(activation)
        self.use_bias, self.initializers = use_bias, (kernel_initializer, bias_initializer)

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make weight [units, n] and bias."""
        self.weight = keras_parameter([self.units, last_dimension(size)], self.initializers[0])
        self.bias = keras_parameter([self.units], self.initializers[1]) if self.use_bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply the last dimension."""
        return self.activation(F.linear(x, self.weight, self.bias))


class KerasFlatten(KerasLayer):
    """Flatten: number[B, ...] -> number[B, n], rows first, as Keras lays them out."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Flatten all but the batch dimension."""
        return x.reshape(x.shape[0], -1)


class KerasActivation(KerasLayer):
    """Activation, and ReLU: the same shape."""

    def __init__(self, activation: Activation = "relu", name: str | None = None) -> None:
        super().__init__(name)
        self.activation = keras_activation(activation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the function."""
        return self.activation(x)


class KerasLayerNormalization(KerasLayer):
    """LayerNormalization over the last dimension: the same shape."""

    kind: ClassVar[str] = "layer_normalization"

    def __init__(self, epsilon: float = 0.001, name: str | None = None) -> None:
        super().__init__(name)
        self.epsilon = epsilon

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make scale and offset."""
        self.weight = keras_parameter([last_dimension(size)], "ones")
        self.bias = keras_parameter([last_dimension(size)], "zeros")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize."""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.epsilon)


class KerasBatchNormalization(KerasLayer):
    """BatchNormalization of the last dimension by its moving averages, as models of RLlib run it.

    RLlib calls its Keras models without saying that it trains them.
    """

    kind: ClassVar[str] = "batch_normalization"

    def __init__(self, epsilon: float = 0.001, name: str | None = None) -> None:
        super().__init__(name)
        self.epsilon = epsilon

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make scale, offset and the averages."""
        self.weight = keras_parameter([last_dimension(size)], "ones")
        self.bias = keras_parameter([last_dimension(size)], "zeros")
        self.register_buffer("running_mean", torch.zeros(last_dimension(size)))
        self.register_buffer("running_var", torch.ones(last_dimension(size)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize."""
        spread = torch.sqrt(self.get_buffer("running_var") + self.epsilon)
        return (x - self.get_buffer("running_mean")) / spread * self.weight + self.bias


class KerasDropout(KerasLayer):
    """Dropout, which drops nothing: RLlib calls its Keras models without saying that it trains."""

    def __init__(self, rate: float, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what comes in."""
        return x


class KerasLeakyReLU(KerasLayer):
    """LeakyReLU, with 0.3 where nothing is said: the same shape."""

    kind: ClassVar[str] = "leaky_re_lu"

    def __init__(self, alpha: float = 0.3, name: str | None = None) -> None:
        super().__init__(name)
        self.alpha = alpha

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the function."""
        return F.leaky_relu(x, self.alpha)


class KerasSoftmax(KerasLayer):
    """Softmax along an axis: the same shape."""

    def __init__(self, axis: int = -1, name: str | None = None) -> None:
        super().__init__(name)
        self.axis = axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the function."""
        return torch.softmax(x, dim=self.axis)


class KerasReshape(KerasLayer):
    """Reshape: number[B, ...] -> number[B, *target_shape], one of which may be -1."""

    def __init__(self, target_shape: Sequence[int], name: str | None = None) -> None:
        super().__init__(name)
        self.target_shape = tuple(int(n) for n in target_shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reshape all but the batch dimension."""
        return x.reshape(x.shape[0], *self.target_shape)


class KerasPermute(KerasLayer):
    """Permute: dimensions in another order, counted from 1; the batch stays first."""

    def __init__(self, dims: Sequence[int], name: str | None = None) -> None:
        super().__init__(name)
        self.dims = tuple(dims)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Permute."""
        return x.permute(0, *self.dims)


class KerasRepeatVector(KerasLayer):
    """RepeatVector: number[B, k] -> number[B, n, k]."""

    kind: ClassVar[str] = "repeat_vector"

    def __init__(self, n: int, name: str | None = None) -> None:
        super().__init__(name)
        self.n = n

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Repeat."""
        return x[:, None].repeat(1, self.n, 1)


class KerasEmbedding(KerasLayer):
    """Embedding: number[B, ...], cut to integers -> float32[B, ..., output_dim]."""

    def __init__(self, input_dim: int, output_dim: int, name: str | None = None) -> None:
        super().__init__(name)
        self.weight = keras_parameter([int(input_dim), int(output_dim)], "uniform")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Look the rows up."""
        return F.embedding(x.long(), self.weight)


class KerasConcatenate(KerasLayer):
    """Concatenate: one after the other along an axis, the batch dimension being 0."""

    def __init__(self, axis: int = -1, name: str | None = None) -> None:
        super().__init__(name)
        self.axis = axis

    def forward(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Concatenate."""
        return torch.cat(list(parts), dim=self.axis)


class KerasMerge(KerasLayer):
    """Add, Multiply, Maximum, Minimum and Average: several tensors into one."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    def forward(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Merge the first two, and the next into that."""
        merged = parts[0]
        for part in parts[1:]:
            merged = self.merge(merged, part)
        return merged

    def merge(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Merge two."""
        raise NotImplementedError


class KerasAdd(KerasMerge):
    """Add: the sum."""

    def merge(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Add two."""
        return one + other


class KerasSubtract(KerasMerge):
    """Subtract: the difference of two."""

    def merge(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Subtract."""
        return one - other


class KerasMultiply(KerasMerge):
    """Multiply: the product."""

    def merge(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Multiply two."""
        return one * other


def keras_concatenate(inputs: Sequence[Any], axis: int = -1, name: str | None = None) -> Any:
    """Concatenate as a function."""
    return KerasConcatenate(axis, name)(inputs)


def keras_add(inputs: Sequence[Any], name: str | None = None) -> Any:
    """Add as a function."""
    return KerasAdd(name)(inputs)


def keras_multiply(inputs: Sequence[Any], name: str | None = None) -> Any:
    """Multiply as a function."""
    return KerasMultiply(name)(inputs)
