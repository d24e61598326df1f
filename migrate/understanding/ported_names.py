"""What TensorFlow's names are in torch, as far as the numbers are the same.

Layer, LAYERS            layers of Keras, by class
Function, FUNCTIONS      functions that a forward pass calls
ACTIVATIONS, DTYPES      names that are handed on
MODULE_NAMES             what torch modules have for themselves
TF_ONLY                  helpers of RLlib that have no torch form
TRUSTED                  modules whose functions mean the same whatever a net is written in
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Layer:
    """A layer of the layers file, and what it may be told as Keras's is."""

    torch: str
    keywords: tuple[str, ...]
    positional: int
    kind: Literal["layer", "symbol", "model"] = "layer"


@dataclass(frozen=True)
class Function:
    """A function of torch, how many arguments it takes, and what keywords are called there."""

    torch: str
    arguments: tuple[int, int]
    keywords: Mapping[str, str] = field(default_factory=dict)


WEIGHTS = ("activation", "use_bias", "kernel_initializer", "bias_initializer", "name")
LAYERS: Mapping[str, Layer] = {
    "Activation": Layer("KerasActivation", ("activation", "name"), 1),
    "Concatenate": Layer("KerasConcatenate", ("axis", "name"), 1),
    "Conv2D": Layer("KerasConv2D", ("filters", "kernel_size", "strides", "padding", *WEIGHTS), 4),
    "Dense": Layer("KerasDense", ("units", *WEIGHTS), 3),
    "Flatten": Layer("KerasFlatten", ("name",), 0),
    "Input": Layer("KerasInput", ("shape", "name"), 1, "symbol"),
    "LayerNormalization": Layer("KerasLayerNormalization", ("epsilon", "name"), 0),
    "Model": Layer("KerasModel", ("inputs", "outputs", "name"), 2, "model"),
    "ReLU": Layer("KerasActivation", ("name",), 0),
    "concatenate": Layer("keras_concatenate", ("inputs", "axis", "name"), 2, "symbol"),
}

AXIS = {"axis": "dim"}
REDUCING = {"axis": "dim", "keepdims": "keepdim"}
FUNCTIONS: Mapping[str, Function] = {
    "abs": Function("torch.abs", (1, 1)),
    "clip_by_value": Function("torch.clamp", (3, 3)),
    "concat": Function("torch.cat", (2, 2), AXIS),
    "exp": Function("torch.exp", (1, 1)),
    "expand_dims": Function("torch.unsqueeze", (2, 2), AXIS),
    "log": Function("torch.log", (1, 1)),
    "ones_like": Function("torch.ones_like", (1, 1)),
    "reduce_max": Function("torch.amax", (2, 3), REDUCING),
    "reduce_mean": Function("torch.mean", (2, 3), REDUCING),
    "reduce_sum": Function("torch.sum", (2, 3), REDUCING),
    "relu": Function("torch.relu", (1, 1)),
    "reshape": Function("torch.reshape", (2, 2)),
    "sigmoid": Function("torch.sigmoid", (1, 1)),
    "sqrt": Function("torch.sqrt", (1, 1)),
    "square": Function("torch.square", (1, 1)),
    "squeeze": Function("torch.squeeze", (2, 2), AXIS),
    "stack": Function("torch.stack", (1, 2), AXIS),
    "tanh": Function("torch.tanh", (1, 1)),
    "where": Function("torch.where", (3, 3)),
    "zeros_like": Function("torch.zeros_like", (1, 1)),
}
ACTIVATIONS = frozenset(
    {"elu", "linear", "relu", "selu", "sigmoid", "silu", "softmax", "softplus", "swish", "tanh"}
)
DTYPES: Mapping[str, str] = {
    **{name: name for name in ("bool", "float32", "float64", "int32", "int64", "uint8")},
}
#: Helpers of RLlib for TensorFlow that the layers file has for no torch class.
TF_ONLY = frozenset({"flatten_rows", "get_activation_fn", "one_hot"})

MODULE_NAMES = frozenset(
    {"add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "cpu", "cuda"}
    | {"double", "eval", "extra_repr", "float", "get_buffer", "get_parameter", "get_submodule"}
    | {"half", "load_state_dict", "modules", "named_buffers", "named_children", "named_modules"}
    | {"named_parameters", "parameters", "register_buffer", "register_module", "requires_grad_"}
    | {"register_parameter", "share_memory", "state_dict", "to", "to_empty", "train", "training"}
    | {"type", "zero_grad"}
)
TRUSTED = (
    *("collections.", "copy.", "functools.", "gym.", "gymnasium.", "itertools.", "logging."),
    *("math.", "numpy.", "os.", "random.", "ray.", "typing."),
)
