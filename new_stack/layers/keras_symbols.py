"""Keras's functional nets as torch modules, for models that are ported from TensorFlow.

Symbol                   what a layer returns while a net is described
KerasInput, KerasModel   the ends of a net: shapes as in Keras, images [B, H, W, C]
KerasLayer               a layer that makes its parameters when it is first given a Symbol
KerasLambda              any function as a layer
KerasSequential          layers one after the other
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

import torch
import tree
from torch import nn

#: Layers count up as they are made, so that a model lists them in that order.
MADE: count[int] = count()


class Symbol:
    """A tensor of a net that is being described: what makes it, of which Symbols, in what size.

    `size` leaves the batch dimension out, and says None for one that is open. Functions of torch
    may be called with Symbols, as Keras lets TensorFlow's be.
    """

    def __init__(
        self,
        size: Sequence[int | None],
        dtype: torch.dtype = torch.float32,
        make: Callable[..., Any] | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.size, self.dtype, self.make = tuple(size), dtype, make
        self.args, self.kwargs = tuple(args), dict(kwargs or {})

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape as Keras says it, the batch dimension being None."""
        return (None, *self.size)

    @property
    def parents(self) -> list[Symbol]:
        """The Symbols that this one is made of."""
        given = tree.flatten([self.args, self.kwargs])
        return [each for each in given if isinstance(each, Symbol)]

    def zeros(self, trial: int) -> torch.Tensor:
        """Return zeros of a shape that it may have, another in each trial."""
        sizes = [5 + 2 * trial if n is None else n for n in self.size]
        return torch.zeros(2 + trial, *sizes, dtype=self.dtype)

    def to(self, dtype: torch.dtype) -> Any:
        """Describe a cast."""
        return described(torch.Tensor.to, self, dtype)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Describe what a function of torch makes of Symbols."""
        return described(func, *args, **(kwargs or {}))

    def __getitem__(self, key: Any) -> Any:
        return described(operator.getitem, self, key)

    def __neg__(self) -> Any:
        return described(operator.neg, self)

    def __add__(self, other: Any) -> Any:
        return described(operator.add, self, other)

    def __sub__(self, other: Any) -> Any:
        return described(operator.sub, self, other)

    def __mul__(self, other: Any) -> Any:
        return described(operator.mul, self, other)

    def __truediv__(self, other: Any) -> Any:
        return described(operator.truediv, self, other)

    def __pow__(self, other: Any) -> Any:
        return described(operator.pow, self, other)

    def __radd__(self, other: Any) -> Any:
        return described(operator.add, other, self)

    def __rsub__(self, other: Any) -> Any:
        return described(operator.sub, other, self)

    def __rmul__(self, other: Any) -> Any:
        return described(operator.mul, other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return described(operator.truediv, other, self)

    def __gt__(self, other: Any) -> Any:
        return described(operator.gt, self, other)

    def __ge__(self, other: Any) -> Any:
        return described(operator.ge, self, other)

    def __lt__(self, other: Any) -> Any:
        return described(operator.lt, self, other)

    def __le__(self, other: Any) -> Any:
        return described(operator.le, self, other)


def described(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return the Symbols that a call makes of Symbols, by two trials on zeros.

    Raises ValueError where the batch does not stay the first dimension.
    """
    trials = []
    with torch.no_grad():
        for trial in range(2):
            known = tree.map_structure(
                lambda x, n=trial: x.zeros(n) if isinstance(x, Symbol) else x, [args, kwargs]
            )
            trials.append(make(*known[0], **known[1]))
    if isinstance(trials[0], list | tuple):
        whole = Symbol((), make=make, args=args, kwargs=kwargs)
        return [
            _symbol(one, other, operator.getitem, (whole, number), {})
            for number, (one, other) in enumerate(zip(*trials, strict=True))
        ]
    return _symbol(trials[0], trials[1], make, args, kwargs)


def _symbol(
    one: torch.Tensor,
    other: torch.Tensor,
    make: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Symbol:
    if one.shape[:1] != (2,) or other.shape[:1] != (3,):
        name = getattr(make, "__name__", type(make).__name__)
        raise ValueError(f"{name} gives {list(one.shape)} for a batch of 2; the batch comes first")
    sizes = zip(one.shape[1:], other.shape[1:], strict=True)
    return Symbol([n if n == m else None for n, m in sizes], one.dtype, make, args, kwargs)


def _holds_symbol(*given: Any) -> bool:
    return any(isinstance(each, Symbol) for each in tree.flatten(given))


class KerasLayer(nn.Module):
    """A layer that makes its parameters when it is first given a Symbol."""

    kind: ClassVar[str] = ""  # what Keras calls one without a name

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.keras_name, self.made, self.built = name, next(MADE), False

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make the parameters for inputs of a size, which leaves the batch dimension out."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Describe, where Symbols are given, and compute otherwise."""
        if not _holds_symbol(inputs, args, kwargs):
            return super().__call__(inputs, *args, **kwargs)
        if not self.built:
            first = next(each for each in tree.flatten(inputs) if isinstance(each, Symbol))
            self.build(first.size)
            self.built = True
        return described(self, inputs, *args, **kwargs)


class KerasLambda(KerasLayer):
    """Lambda: what a function makes of its input."""

    def __init__(self, function: Callable[[Any], Any], name: str | None = None) -> None:
        super().__init__(name)
        self.function = function

    def forward(self, inputs: Any) -> Any:
        """Call the function."""
        return self.function(inputs)


class KerasSequential:
    """Sequential: layers one after the other, each of which the net lists by itself."""

    def __init__(self, layers: Sequence[KerasLayer] = (), name: str | None = None) -> None:
        self.layers, self.name = list(layers), name

    def add(self, layer: KerasLayer) -> None:
        """Put a layer behind the others."""
        self.layers.append(layer)

    def __call__(self, inputs: Any) -> Any:
        """Describe."""
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs


def KerasInput(
    shape: Sequence[int | None],
    name: str | None = None,
    dtype: torch.dtype | str = torch.float32,
) -> Symbol:
    """Begin a net with an input: number[B, *shape]; None in `shape` is a dimension left open."""
    known = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    return Symbol([None if n is None else int(n) for n in shape], known)


class KerasModel(nn.Module):
    """A net from inputs to outputs; its layers have their Keras names, made up where not given.

    One tensor or a list of them, as the model was described with: number[B, ...] -> float32.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__()
        self.keras_name, self.made = name, next(MADE)
        self._given: list[Symbol] = tree.flatten(inputs)
        self._found = outputs
        self._order: list[Symbol] = []
        for each in tree.flatten(outputs):
            self._visit(each)
        parts = {id(s.make): s.make for s in self._order if isinstance(s.make, nn.Module)}
        numbers: dict[str, int] = {}
        for part in sorted(parts.values(), key=lambda each: each.made):  # type: ignore[arg-type, return-value]
            assert isinstance(part, KerasLayer | KerasModel)
            kind = part.kind if isinstance(part, KerasLayer) else "model"
            kind = kind or type(part).__name__.removeprefix("Keras").lower()
            number = numbers.setdefault(kind, 0)
            numbers[kind] += part.keras_name is None
            self.add_module(part.keras_name or (f"{kind}_{number}" if number else kind), part)

    def _visit(self, symbol: Symbol) -> None:
        if any(symbol is each for each in self._order):
            return
        for parent in symbol.parents:
            self._visit(parent)
        self._order.append(symbol)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Describe, where Symbols are given, and compute otherwise."""
        if _holds_symbol(inputs):
            return described(self, inputs)
        return super().__call__(inputs, *args, **kwargs)

    def forward(self, given: Any) -> Any:
        """Compute the outputs."""
        tensors = tree.flatten(given)
        if len(tensors) != len(self._given):
            raise ValueError(
                f"the net takes {len(self._given)} inputs, and was given {len(tensors)}"
            )
        known = {id(s): t.to(s.dtype) for s, t in zip(self._given, tensors, strict=True)}

        def value(each: Any) -> Any:
            return known[id(each)] if isinstance(each, Symbol) else each

        for symbol in self._order:
            if id(symbol) in known:
                continue
            if symbol.make is None:
                raise ValueError("an output needs an input that the net was not made with")
            args, kwargs = tree.map_structure(value, [symbol.args, symbol.kwargs])
            known[id(symbol)] = symbol.make(*args, **kwargs)
        return tree.map_structure(value, self._found)
