"""Layers that RLlib's old stack provided, as plain torch modules with the old parameter names.

FullyConnectedNetwork, VisionNetwork           the default nets, with `forward` and `value`
SlimFC, SlimConv2d, AppendBiasLayer            the layers that they are made of
normc_initializer, same_padding, activation    what these layers need
preprocess, flatten, preprocessed_space        what the old preprocessors made of observations
action_distribution                            the distribution that the old stack chose

`rlmigrate rewrite` writes the ones that a migrated module needs into `rlmigrate_layers.py`
beside it, from the text of the files in this folder.
"""

from __future__ import annotations

import importlib

_HOME = {
    "AppendBiasLayer": "append_bias",
    "FullyConnectedNetwork": "fully_connected",
    "SlimConv2d": "slim_conv2d",
    "SlimFC": "slim_fc",
    "VisionNetwork": "vision",
    "action_distribution": "actions",
    "activation": "activations",
    "filters_for": "filters",
    "flat_size": "observations",
    "flatten": "observations",
    "normc_initializer": "initializers",
    "preprocess": "observations",
    "preprocessed_space": "observations",
    "same_padding": "padding",
    "valid_padding": "padding",
}

__all__ = [
    "AppendBiasLayer",
    "FullyConnectedNetwork",
    "SlimConv2d",
    "SlimFC",
    "VisionNetwork",
    "action_distribution",
    "activation",
    "filters_for",
    "flat_size",
    "flatten",
    "normc_initializer",
    "preprocess",
    "preprocessed_space",
    "same_padding",
    "valid_padding",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
