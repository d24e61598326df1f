"""Settings by name: activations, initializers, filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

FilterConfig = list[list[Any]]

_SQUARE_FILTERS: dict[int, FilterConfig] = {
    96: [[16, [8, 8], 4], [32, [4, 4], 2], [256, [11, 11], 2]],
    84: [[16, [8, 8], 4], [32, [4, 4], 2], [256, [11, 11], 1]],
    64: [[16, [4, 4], 2], [32, [4, 4], 2], [64, [4, 4], 2], [128, [4, 4], 2]],
    42: [[16, [4, 4], 2], [32, [4, 4], 2], [256, [11, 11], 1]],
    10: [[16, [5, 5], 2], [32, [5, 5], 2]],
}


def get_filter_config(shape: Sequence[int]) -> FilterConfig:
    """Give RLlib's default `conv_filters` for images of a size, channels first or last.

    >>> get_filter_config((10, 10, 3))
    [[16, [5, 5], 2], [32, [5, 5], 2]]

    Raises ValueError if there is no default for the size.
    """
    sizes = list(shape)
    if len(sizes) in (2, 3):
        for size, filters in _SQUARE_FILTERS.items():
            if [size, size] in (sizes[:2], sizes[1:]):
                return [[channels, list(kernel), stride] for channels, kernel, stride in filters]
    known = ", ".join(f"{size}x{size}" for size in sorted(_SQUARE_FILTERS))
    raise ValueError(
        f"conv_filters: no default for images of shape {tuple(sizes)}, only for {known}; "
        'set model={"conv_filters": [[out_channels, kernel, stride], ...]}'
    )


def get_activation_fn(name: Any = None, framework: str = "tf") -> Any:
    """Find an activation by name.

    name: "relu", "tanh", "elu", "swish" or "silu", "linear" or None, or any name in `torch.nn`
    or `tf.nn`; a class or function is given back as it is.
    Gives a class for torch, a function for TF, None for "linear".
    Raises ValueError if the name is unknown.
    """
    if callable(name):
        return name
    lower = name.lower() if isinstance(name, str) else None
    if lower in (None, "linear"):
        return None
    found = _torch_activation(name) if framework == "torch" else _tf_activation(lower)
    if found is None:
        raise ValueError(
            f"unknown activation {name!r} for framework {framework!r}; "
            "use relu, tanh, elu, swish, linear, or a name in torch.nn or tf.nn"
        )
    return found


def _torch_activation(name: str) -> Any:
    from torch import nn

    known = {
        "swish": nn.SiLU,
        "silu": nn.SiLU,
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "elu": nn.ELU,
        "softmax": nn.Softmax,
    }
    return getattr(nn, name, None) or known.get(name.lower())


def _tf_activation(name: str | None) -> Any:
    import tensorflow as tf

    return getattr(tf.nn, str(name), None)


def get_initializer(name: Any = None, framework: str = "tf") -> Any:
    """Find a weight initializer: "xavier_uniform" (also None, "default") or "xavier_normal"."""
    if callable(name):
        return name
    if name in (None, "default", "xavier_uniform"):
        kind = ("xavier_uniform_", "GlorotUniform")
    elif name == "xavier_normal":
        kind = ("xavier_normal_", "GlorotNormal")
    else:
        raise ValueError(
            f"unknown initializer {name!r}; use xavier_uniform, xavier_normal or a function"
        )
    if framework == "torch":
        from torch import nn

        return getattr(nn.init, kind[0])
    import tensorflow as tf

    return getattr(tf.keras.initializers, kind[1])


def get_initializer_fn(name: Any, framework: str = "torch") -> Any:
    """Find an initializer by its own name: in `torch.nn.init`, ending in "_", or in Keras.

    None and functions are given back. Raises ValueError if the name is unknown.
    """
    if name is None or callable(name):
        return name
    if framework == "torch":
        from torch import nn

        found = getattr(nn.init, str(name).lower(), None) if str(name).endswith("_") else None
        home = "torch.nn.init (those that end in _)"
    else:
        import tensorflow as tf

        found, home = getattr(tf.keras.initializers, name, None), "tf.keras.initializers"
    if found is None:
        raise ValueError(f"unknown initializer {name!r}; use a function or a name in {home}")
    return found
