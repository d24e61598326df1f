"""Keras's functional layers as torch modules, for models that are ported from TensorFlow.

KerasInput, KerasModel   the ends of a net: shapes as in Keras, images [B, H, W, C]
Symbol                   what a layer returns while a net is described
KerasDense, KerasConv2D, KerasFlatten, KerasConcatenate, ...   the layers
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

Activation: TypeAlias = str | Callable[[torch.Tensor], torch.Tensor] | None
Initializer: TypeAlias = str | Callable[[torch.Tensor], Any]
KERAS_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "elu": F.elu,
    "gelu": F.gelu,
    "linear": lambda x: x,
    "relu": torch.relu,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "softmax": lambda x: torch.softmax(x, dim=-1),
    "softplus": F.softplus,
    "swish": F.silu,
    "tanh": torch.tanh,
}
#: Layers count up as they are made, so that a model lists them in that order.
MADE: count[int] = count()


class Symbol:
    """A tensor of a net that is being described; `shape` leaves the batch dimension out."""

    def __init__(
        self, shape: Sequence[int], make: Callable[..., Any] | None, parents: Sequence[Symbol]
    ) -> None:
        self.shape, self.make, self.parents = tuple(shape), make, tuple(parents)

    def _with(self, other: Any, act: Callable[[Any, Any], Any]) -> Symbol:
        if isinstance(other, Symbol):
            shape = np.broadcast_shapes(self.shape, other.shape)
            return Symbol(shape, act, [self, other])
        return Symbol(self.shape, lambda x: act(x, other), [self])

    def __add__(self, other: Any) -> Symbol:
        return self._with(other, operator.add)

    def __sub__(self, other: Any) -> Symbol:
        return self._with(other, operator.sub)

    def __mul__(self, other: Any) -> Symbol:
        return self._with(other, operator.mul)

    def __truediv__(self, other: Any) -> Symbol:
        return self._with(other, operator.truediv)


class KerasLayer(nn.Module):
    """A layer that makes its parameters when it is first given a Symbol."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.keras_name, self.made, self.built = name, next(MADE), False

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the parameters for inputs of a shape."""

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what comes out."""
        return shape

    def __call__(self, x: Any) -> Any:
        """Describe, where a Symbol is given, and compute otherwise."""
        if not isinstance(x, Symbol):
            return super().__call__(x)
        if not self.built:
            self.build(x.shape)
            self.built = True
        return Symbol(self.out_shape(x.shape), self, [x])


def KerasInput(shape: Sequence[int], name: str | None = None) -> Symbol:
    """Begin a net with an input: number[B, *shape]."""
    return Symbol(tuple(int(n) for n in shape), None, ())


def keras_activation(activation: Activation) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the function of an activation. Raises ValueError for a name that is not known."""
    if callable(activation):
        return activation
    name = activation or "linear"
    if name not in KERAS_ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(KERAS_ACTIVATIONS)}")
    return KERAS_ACTIVATIONS[name]


def keras_parameter(shape: Sequence[int], initializer: Initializer) -> nn.Parameter:
    """Make a weight; "glorot_uniform" is what Keras draws where nothing is said."""
    parameter = nn.Parameter(torch.zeros(*shape))
    if callable(initializer):
        initializer(parameter)
    elif initializer == "glorot_uniform":
        nn.init.xavier_uniform_(parameter)
    elif initializer == "ones":
        nn.init.ones_(parameter)
    elif initializer != "zeros":
        raise ValueError(f"unknown initializer {initializer!r}; give a function of the weight")
    return parameter


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

    def build(self, shape: tuple[int, ...]) -> None:
        """Make weight [units, n] and bias."""
        self.weight = keras_parameter([self.units, shape[-1]], self.initializers[0])
        self.bias = keras_parameter([self.units], self.initializers[1]) if self.use_bias else None

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Replace the last dimension."""
        return (*shape[:-1], self.units)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply the last dimension."""
        return self.activation(F.linear(x, self.weight, self.bias))


class KerasConv2D(KerasLayer):
    """Conv2D: float[B, H, W, C] -> float32[B, H', W', filters]."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters, self.activation = int(filters), keras_activation(activation)
        sizes = [(n, n) if isinstance(n, int) else tuple(n) for n in (kernel_size, strides)]
        (self.kernel, self.strides), self.padding = sizes, padding.lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(f"unknown padding {padding!r}; known: valid, same")
        self.use_bias, self.initializers = use_bias, (kernel_initializer, bias_initializer)

    def build(self, shape: tuple[int, ...]) -> None:
        """Make weight [filters, C, height, width] and bias."""
        size = [self.filters, shape[-1], *self.kernel]
        self.weight = keras_parameter(size, self.initializers[0])
        self.bias = keras_parameter([self.filters], self.initializers[1]) if self.use_bias else None

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shrink height and width."""
        before = shape[:2]
        if self.padding == "valid":
            before = tuple(n - k + 1 for n, k in zip(before, self.kernel, strict=True))
        after = tuple(math.ceil(n / s) for n, s in zip(before, self.strides, strict=True))
        if min(after) < 1:
            raise ValueError(f"a kernel of {self.kernel} does not fit images of {shape[:2]}")
        return (*after, self.filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve; what "same" adds goes below and to the right first, as in TensorFlow."""
        x = x.movedim(-1, 1)
        if self.padding == "same":
            x = F.pad(x, [*self._around(x.shape[3], 1), *self._around(x.shape[2], 0)])
        out = F.conv2d(x, self.weight, self.bias, stride=self.strides)  # type: ignore[arg-type]
        return self.activation(out.movedim(1, -1))

    def _around(self, size: int, axis: int) -> tuple[int, int]:
        kernel, stride = self.kernel[axis], self.strides[axis]
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


class KerasFlatten(KerasLayer):
    """Flatten: number[B, ...] -> number[B, n], rows first, as Keras lays them out."""

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Multiply the dimensions."""
        return (math.prod(shape),)

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

    def __init__(self, epsilon: float = 0.001, name: str | None = None) -> None:
        super().__init__(name)
        self.epsilon = epsilon

    def build(self, shape: tuple[int, ...]) -> None:
        """Make scale and offset."""
        self.weight = keras_parameter(shape[-1:], "ones")
        self.bias = keras_parameter(shape[-1:], "zeros")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize."""
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.epsilon)


class KerasConcatenate:
    """Concatenate: Symbols one after the other along an axis, the batch dimension being 0."""

    def __init__(self, axis: int = -1, name: str | None = None) -> None:
        self.axis = axis

    def __call__(self, inputs: Sequence[Symbol]) -> Symbol:
        """Describe."""
        return keras_concatenate(inputs, axis=self.axis)


def keras_concatenate(inputs: Sequence[Symbol], axis: int = -1, name: str | None = None) -> Symbol:
    """Put Symbols one after the other along an axis, the batch dimension being 0."""
    shape = list(inputs[0].shape)
    at = axis if axis < 0 else axis - 1
    shape[at] = sum(each.shape[at] for each in inputs)
    return Symbol(shape, lambda *parts: torch.cat(parts, dim=axis), inputs)


class KerasModel(nn.Module):
    """A net from inputs to outputs; its layers have their Keras names, made up where not given.

    One tensor or a list of them, as the model was described with: number[B, ...] -> float32.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__()
        many = isinstance(outputs, list | tuple)
        self._given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        self._found, self._many = (list(outputs) if many else [outputs]), many
        self._order: list[Symbol] = []
        for each in self._found:
            self._visit(each)
        layers = {id(s.make): s.make for s in self._order if isinstance(s.make, KerasLayer)}
        numbers: dict[str, int] = {}
        for layer in sorted(layers.values(), key=lambda each: each.made):
            kind = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(layer).__name__)
            kind = kind.removeprefix("_keras_").replace("2_d", "2d")
            number = numbers.setdefault(kind, 0)
            numbers[kind] += layer.keras_name is None
            self.add_module(layer.keras_name or (f"{kind}_{number}" if number else kind), layer)

    def _visit(self, symbol: Symbol) -> None:
        if any(symbol is each for each in self._order):
            return
        for parent in symbol.parents:
            self._visit(parent)
        self._order.append(symbol)

    def forward(self, given: Any) -> Any:
        """Compute the outputs."""
        tensors = list(given) if isinstance(given, list | tuple) else [given]
        if len(tensors) != len(self._given):
            raise ValueError(
                f"the net takes {len(self._given)} inputs, and was given {len(tensors)}"
            )
        known = {id(s): t.float() for s, t in zip(self._given, tensors, strict=True)}
        for symbol in self._order:
            if id(symbol) in known:
                continue
            if symbol.make is None:
                raise ValueError("an output needs an input that the net was not made with")
            known[id(symbol)] = symbol.make(*(known[id(parent)] for parent in symbol.parents))
        results = [known[id(each)] for each in self._found]
        return results if self._many else results[0]
