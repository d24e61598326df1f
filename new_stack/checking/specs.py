"""What a value in a batch or in outputs must be."""

from __future__ import annotations

import abc
from typing import Any

_FRAMEWORKS = ("tf2", "torch", "np", "jax", None)


class Spec(abc.ABC):
    """A condition that values can be checked against."""

    @abc.abstractmethod
    def validate(self, data: Any) -> None:
        """Return if the data fulfil the spec.

        Raises ValueError otherwise, with what was expected and what was found.
        """


class TypeSpec(Spec):
    """An instance of a class, or of one of several."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def validate(self, data: Any) -> None:
        """Check the type."""
        if not isinstance(data, self.dtype):
            raise ValueError(f"expected {_names(self.dtype)}, found {type(data).__name__}")

    def __repr__(self) -> str:
        return f"TypeSpec({_names(self.dtype)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeSpec) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class TensorSpec(Spec):
    """A tensor with named dimensions, of which some have a size.

    >>> import numpy as np
    >>> spec = TensorSpec("b, h", h=4, framework="np")
    >>> spec.validate(np.zeros((7, 4)))
    >>> spec.full_shape
    (1, 4)

    Raises ValueError for names that occur twice, sizes of unknown names and sizes that are no
    positive integers.
    """

    def __init__(
        self, shape: str, *, dtype: Any = None, framework: str | None = None, **shape_vals: int
    ) -> None:
        names = shape.replace(" ", "").split(",")
        _check_sizes(names, shape_vals)
        if framework not in _FRAMEWORKS:
            raise ValueError(f"unknown framework {framework!r}; expected one of {_FRAMEWORKS[:-1]}")
        self._expected_shape: tuple[int | str, ...] = tuple(shape_vals.get(n, n) for n in names)
        self._dtype = dtype
        self._framework = framework

    @property
    def shape(self) -> tuple[int | str, ...]:
        """Sizes where they are known, names elsewhere."""
        return self._expected_shape

    @property
    def full_shape(self) -> tuple[int, ...]:
        """The same with 1 for every name."""
        return tuple(d if isinstance(d, int) else 1 for d in self._expected_shape)

    @property
    def dtype(self) -> Any:
        """The dtype, or None for any."""
        return self._dtype

    @property
    def type(self) -> Any:
        """The class of tensors."""
        if self._framework == "torch":
            import torch

            return torch.Tensor
        if self._framework == "np":
            import numpy as np

            return np.ndarray
        if self._framework == "tf2":
            import tensorflow as tf

            return tf.Tensor
        if self._framework == "jax":
            import jax  # type: ignore[import-not-found]

            return jax.numpy.ndarray
        return object

    def rdrop(self, n: int) -> TensorSpec:
        """Return the spec without the last dimensions."""
        assert isinstance(n, int) and n >= 0, f"n must be zero or more, is {n!r}"  # noqa: PT018
        return self._with_shape(self.shape[: len(self.shape) - n])

    def append(self, spec: TensorSpec) -> TensorSpec:
        """Return the spec with the dimensions of another at the end."""
        return self._with_shape((*self.shape, *spec.shape))

    def _with_shape(self, shape: tuple[int | str, ...]) -> TensorSpec:
        made = TensorSpec("b", dtype=self._dtype, framework=self._framework)
        made._expected_shape = shape
        return made

    def validate(self, data: Any) -> None:
        """Check type, number and sizes of dimensions, and dtype."""
        if not isinstance(data, self.type):
            raise ValueError(f"expected {_names(self.type)}, found {type(data).__name__}")
        if not hasattr(data, "shape"):
            raise ValueError(f"expected a tensor of shape {self._words()}, found {data!r}")
        shape = tuple(data.shape)
        fits = len(shape) == len(self.shape) and all(
            isinstance(wanted, str) or wanted == found
            for wanted, found in zip(self.shape, shape, strict=True)
        )
        if not fits:
            raise ValueError(f"expected shape {self._words()}, found {shape}")
        if self.dtype is not None and data.dtype != self.dtype:
            raise ValueError(f"expected dtype {self.dtype}, found {data.dtype}")

    def fill(self, fill_value: float = 0) -> Any:
        """Make a tensor that fulfils the spec.

        Raises ValueError without a framework.
        """
        if self._framework == "torch":
            import torch

            return torch.full(self.full_shape, fill_value, dtype=self.dtype)
        if self._framework == "np":
            import numpy as np

            return np.full(self.full_shape, fill_value, dtype=self.dtype)
        if self._framework == "tf2":
            import tensorflow as tf

            filled = tf.fill(self.full_shape, fill_value)
            return filled if self.dtype is None else tf.cast(filled, self.dtype)
        raise ValueError("TensorSpec.fill() needs a framework: 'torch', 'np' or 'tf2'")

    def _words(self) -> str:
        return "(" + ", ".join(map(str, self.shape)) + ")"

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorSpec):
            return False
        return (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, str(self.dtype)))


class TorchTensorSpec(TensorSpec):
    """A torch tensor (the form of Ray 2.3 and 2.4)."""

    def __init__(self, shape: str, *, dtype: Any = None, **shape_vals: int) -> None:
        super().__init__(shape, dtype=dtype, framework="torch", **shape_vals)


class NPTensorSpec(TensorSpec):
    """A numpy array (the form of Ray 2.3 and 2.4)."""

    def __init__(self, shape: str, *, dtype: Any = None, **shape_vals: int) -> None:
        super().__init__(shape, dtype=dtype, framework="np", **shape_vals)


class TFTensorSpecs(TensorSpec):
    """A TensorFlow tensor (the form of Ray 2.3 and 2.4)."""

    def __init__(self, shape: str, *, dtype: Any = None, **shape_vals: int) -> None:
        super().__init__(shape, dtype=dtype, framework="tf2", **shape_vals)


def _check_sizes(names: list[str], sizes: dict[str, int]) -> None:
    text = ",".join(names)
    problems = []
    if len(set(names)) != len(names):
        problems.append(f"dimension names occur twice in ({text})")
    for name, size in sizes.items():
        if name not in names:
            problems.append(f"{name!r} is no dimension of ({text})")
        elif isinstance(size, bool) or not isinstance(size, int):
            problems.append(f"dimension {name!r} in ({text}) must be an int, is {size!r}")
        elif size <= 0:
            problems.append(f"dimension {name!r} in ({text}) must be positive, is {size}")
    if problems:
        raise ValueError("; ".join(problems))


def _names(kind: Any) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(f"{k.__module__}.{k.__qualname__}" for k in kinds)
