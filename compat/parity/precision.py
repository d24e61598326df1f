"""Run a torch model in float64 although its code asks for float32.

Models call `.float()` inside forward, so `.double()` on the module alone fails or is undone.
Under `float64()` every conversion to float32 or a half type and every factory gives float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_CONVERSIONS = {"float", "half", "bfloat16", "to", "type", "type_as"}
_NARROW = (torch.float32, torch.float16, torch.bfloat16)


def _widen(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.dtype in _NARROW:
        return value.double()
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_widen(item) for item in value)
    if isinstance(value, list):
        return [_widen(item) for item in value]
    return value


class Float64Mode(TorchFunctionMode):
    """Send float32 conversions and factories to float64, and mixed operations too."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call the torch function with float32 read as float64."""
        kwargs = dict(kwargs or {})
        if kwargs.get("dtype") in _NARROW:
            kwargs["dtype"] = torch.float64
        name = getattr(func, "__name__", "")
        if name in _CONVERSIONS:
            return _widen(func(*args, **kwargs))
        try:
            result = func(*args, **kwargs)
        except RuntimeError as error:
            if "dtype" not in str(error) and "type" not in str(error):
                raise
            # torch.FloatTensor and arrays taken as they are escape the mode; meet them here.
            result = func(*_widen(args), **{k: _widen(v) for k, v in kwargs.items()})
        if name in {"tensor", "as_tensor", "zeros_like", "ones_like", "full_like", "empty_like"}:
            return _widen(result)
        return result


@contextmanager
def float64() -> Iterator[None]:
    """Read float32 as float64 in all torch calls of the block."""
    default = torch.get_default_dtype()
    plain_from_numpy = torch.from_numpy
    torch.set_default_dtype(torch.float64)
    # torch.from_numpy is one of the few factories that no function mode sees.
    torch.from_numpy = lambda array: _widen(plain_from_numpy(array))  # type: ignore[assignment]
    try:
        with Float64Mode():
            yield
    finally:
        torch.from_numpy = plain_from_numpy
        torch.set_default_dtype(default)


@contextmanager
def widened(module: torch.nn.Module) -> Iterator[None]:
    """Hold a module's float tensors as float64 for the block, then put the very same ones back.

    Nothing is copied back: the original storages return, so the weights cannot change.
    Tensors that a module holds without registering them are widened too.
    """
    attributes: list[tuple[dict[str, Any], dict[str, Any]]] = []
    storages = [
        (tensor, tensor.data, tensor.grad)
        for tensor in [*module.parameters(), *module.buffers()]
        if tensor.dtype in _NARROW
    ]
    for part in module.modules():
        loose = {
            name: value
            for name, value in vars(part).items()
            if isinstance(value, torch.Tensor) and value.dtype in _NARROW
        }
        attributes.append((vars(part), loose))
    try:
        for tensor, data, _ in storages:
            tensor.grad = None
            tensor.data = data.double()
        for namespace, loose in attributes:
            namespace.update({name: value.double() for name, value in loose.items()})
        yield
    finally:
        for tensor, data, grad in storages:
            tensor.grad = None
            tensor.data = data
            tensor.grad = grad
        for namespace, loose in attributes:
            namespace.update(loose)
