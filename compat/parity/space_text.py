"""Spaces as the text a person would write, read without evaluating anything.

write_space    Dict(action_mask=Box(0.0, 1.0, (5,)), ...) of a space
read_space     the space of such a text
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rlmigrate.errors import UsageError

_MAKERS: dict[str, Callable[..., gym.Space[Any]]] = {
    "Box": spaces.Box,
    "Discrete": spaces.Discrete,
    "MultiDiscrete": spaces.MultiDiscrete,
    "MultiBinary": spaces.MultiBinary,
    "Dict": spaces.Dict,
    "Tuple": spaces.Tuple,
}
_NUMBERS = {"inf": np.inf, "nan": np.nan, "pi": np.pi}
_WIDTHS = {"float": (16, 32, 64), "int": (8, 16, 32, 64), "uint": (8, 16, 32, 64)}
_DTYPES: dict[str, np.dtype[Any]] = {
    f"{kind}{width}": np.dtype(f"{kind}{width}") for kind in _WIDTHS for width in _WIDTHS[kind]
} | {
    "float": np.dtype("float32"),
    "int": np.dtype("int64"),
    "bool": np.dtype("bool"),
    "bool_": np.dtype("bool"),
}


def write_space(space: gym.Space[Any]) -> str:
    """Write a space so that `read_space` gives an equal one.

    >>> write_space(spaces.Dict(mask=spaces.Box(0.0, 1.0, (2,)), n=spaces.Discrete(3)))
    'Dict(mask=Box(0.0, 1.0, (2,)), n=Discrete(3))'

    Raises:
        UsageError: there is no text for this kind of space.
    """
    if isinstance(space, spaces.Dict):
        names = list(space.spaces)
        if all(isinstance(name, str) and name.isidentifier() for name in names):
            return f"Dict({', '.join(f'{n}={write_space(s)}' for n, s in space.spaces.items())})"
        pairs = ", ".join(f"({n!r}, {write_space(s)})" for n, s in space.spaces.items())
        return f"Dict([{pairs}])"
    if isinstance(space, spaces.Tuple):
        return f"Tuple([{', '.join(write_space(part) for part in space.spaces)}])"
    if isinstance(space, spaces.Discrete):
        start = f", start={int(space.start)}" if int(space.start) else ""
        return f"Discrete({int(space.n)}{start})"
    if isinstance(space, spaces.MultiDiscrete):
        first = np.asarray(getattr(space, "start", 0))
        offset = f", start={first.tolist()}" if first.any() else ""
        return f"MultiDiscrete({space.nvec.tolist()}{offset})"
    if isinstance(space, spaces.MultiBinary):
        return f"MultiBinary({list(space.shape) if len(space.shape) > 1 else space.shape[0]})"
    if isinstance(space, spaces.Box):
        dtype = np.dtype(space.dtype)
        tail = "" if dtype == np.float32 else f", {dtype.name}"
        low, high = _bound(space.low), _bound(space.high)
        return f"Box({low}, {high}, {tuple(space.shape)}{tail})"
    raise UsageError(f"{space} cannot be written as text; give observation and action space by env")


def _bound(values: np.ndarray[Any, Any]) -> str:
    flat = np.unique(values)
    return str(flat[0].item()) if flat.size == 1 else str(values.tolist())


def read_space(text: str) -> gym.Space[Any]:
    """Read a space from its text: calls of space classes, numbers, lists, tuples, dicts, dtypes.

    Raises:
        UsageError: names the part that is none of these.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        made = _value(node, text)
    except SyntaxError as error:
        raise UsageError(f"space {text!r} is no expression: {error.msg}") from error
    except (ValueError, TypeError, AssertionError) as error:
        raise UsageError(f"space {text!r}: {error}") from error
    if not isinstance(made, gym.Space):
        raise UsageError(f"{text!r} is no space; expected e.g. Box(-1.0, 1.0, (4,))")
    return made


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List):
        return [_value(item, text) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item, text) for item in node.elts)
    if isinstance(node, ast.Dict):
        keys = [_value(key, text) for key in node.keys if key is not None]
        return dict(zip(keys, [_value(item, text) for item in node.values], strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, text)
    name = _last_name(node)
    if name in _NUMBERS:
        return _NUMBERS[name]
    if name in _DTYPES:
        return _DTYPES[name]
    if isinstance(node, ast.Call):
        return _call(node, text)
    raise UsageError(
        f"space {text!r}: {ast.unparse(node)!r} is not allowed; "
        "use space classes, numbers, lists, tuples, dicts, dtypes and inf"
    )


def _call(node: ast.Call, text: str) -> Any:
    name = _last_name(node.func)
    arguments = [_value(item, text) for item in node.args]
    keywords = {k.arg: _value(k.value, text) for k in node.keywords if k.arg}
    if name in ("array", "float32", "float64", "int64") and len(arguments) == 1:
        return arguments[0]
    if name not in _MAKERS:
        raise UsageError(f"space {text!r}: unknown space {name!r}; known: {', '.join(_MAKERS)}")
    if name == "Box":
        return _box(arguments, keywords)
    return _MAKERS[name](*arguments, **keywords)


def _box(arguments: list[Any], keywords: dict[str, Any]) -> gym.Space[Any]:
    values = dict(zip(("low", "high", "shape", "dtype"), arguments, strict=False)) | keywords
    dtype = np.dtype(values.get("dtype") or np.float32)
    for bound in ("low", "high"):
        if isinstance(values.get(bound), list):
            values[bound] = np.asarray(values[bound], dtype=dtype)
    values["dtype"] = dtype.type
    return spaces.Box(**values)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
