"""torch's modules in a fraction of the time: same classes, same attributes, same parameters.

make_linear      what nn.Linear(...) makes, drawing the same random numbers
make_sequential  what nn.Sequential(...) makes
init_module      what nn.Module.__init__ does

Building a small actor-critic is mostly bookkeeping: `nn.Module.__init__` sets twenty attributes
through a checking `__setattr__`, and `nn.Linear` computes bounds anew for each parameter and enters
`no_grad` twice. Tests hold what is made here to what torch makes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

_GAIN = nn.init.calculate_gain("leaky_relu", math.sqrt(5))
_FRESH: dict[str, Any] = vars(nn.Module())
_CONTAINERS = [(name, type(v)) for name, v in _FRESH.items() if type(v) in (dict, OrderedDict, set)]


def init_module(module: nn.Module) -> None:
    """Do what `nn.Module.__init__(module)` does."""
    state = _FRESH.copy()
    for name, kind in _CONTAINERS:
        state[name] = kind()
    module.__dict__.update(state)


def make_linear(size_in: int, size_out: int, *, bias: bool) -> nn.Linear:
    """Make what `nn.Linear(size_in, size_out, bias)` makes."""
    if not size_in or not size_out:  # nothing to draw; torch warns of it
        return nn.Linear(size_in, size_out, bias=bias)
    layer = nn.Linear.__new__(nn.Linear)
    init_module(layer)
    layer.__dict__.update(in_features=size_in, out_features=size_out)
    root = math.sqrt(size_in)
    bound = math.sqrt(3.0) * (_GAIN / root)
    weight = torch.empty((size_out, size_in)).uniform_(-bound, bound)
    layer._parameters["weight"] = nn.Parameter(weight)
    layer._parameters["bias"] = (
        nn.Parameter(torch.empty(size_out).uniform_(-1 / root, 1 / root)) if bias else None
    )
    return layer


def make_sequential(layers: Iterable[nn.Module]) -> nn.Sequential:
    """Make what `nn.Sequential(*layers)` makes."""
    made = nn.Sequential.__new__(nn.Sequential)
    init_module(made)
    made._modules.update((str(index), layer) for index, layer in enumerate(layers))
    return made
