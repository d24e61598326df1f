"""What TensorFlow's names are in torch, as far as the numbers are the same.

Layer, LAYERS            layers of Keras, by class
Function, FUNCTIONS      functions that a forward pass calls
ACTIVATIONS, INITIALIZERS, DTYPES   names that are handed on
RECURRENT, BACKEND       layers with states; functions of Keras's backend that are TensorFlow's
TENSOR_NAMES             what torch's tensors have not
MODULE_NAMES             what torch modules have for themselves
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
    """A function of torch, how many arguments it takes, and what keywords are called there.

    `more` is said where the last argument is not given; a `layer` stands in the layers file.
    """

    torch: str
    arguments: tuple[int, int]
    keywords: Mapping[str, str] = field(default_factory=dict)
    more: str = ""
    layer: bool = False


WEIGHTS = ("activation", "use_bias", "kernel_initializer", "bias_initializer", "name")
CONV = ("filters", "kernel_size", "strides", "padding", *WEIGHTS)
POOL = ("pool_size", "strides", "padding", "name")
CELL = ("units", "return_sequences", "return_state", "name")
#: Layers that remember from step to step.
RECURRENT = frozenset({"GRU", "LSTM"})
LAYERS: Mapping[str, Layer] = {
    "Activation": Layer("KerasActivation", ("activation", "name"), 1),
    "Add": Layer("KerasAdd", ("name",), 0),
    "AveragePooling2D": Layer("KerasAveragePooling2D", POOL, 1),
    "BatchNormalization": Layer("KerasBatchNormalization", ("epsilon", "name"), 0),
    "Concatenate": Layer("KerasConcatenate", ("axis", "name"), 1),
    "Conv1D": Layer("KerasConv1D", CONV, 4),
    "Conv2D": Layer("KerasConv2D", CONV, 4),
    "Dense": Layer("KerasDense", ("units", *WEIGHTS), 3),
    "Dropout": Layer("KerasDropout", ("rate", "name"), 1),
    "Embedding": Layer("KerasEmbedding", ("input_dim", "output_dim", "name"), 2),
    "Flatten": Layer("KerasFlatten", ("name",), 0),
    "GRU": Layer("KerasGRU", CELL, 1),
    "GlobalAveragePooling2D": Layer("KerasGlobalAveragePooling2D", ("name",), 0),
    "GlobalMaxPooling2D": Layer("KerasGlobalMaxPooling2D", ("name",), 0),
    "Input": Layer("KerasInput", ("shape", "name", "dtype"), 1, "symbol"),
    "LSTM": Layer("KerasLSTM", CELL, 1),
    "Lambda": Layer("KerasLambda", ("function", "name"), 1),
    "LayerNormalization": Layer("KerasLayerNormalization", ("epsilon", "name"), 0),
    "LeakyReLU": Layer("KerasLeakyReLU", ("alpha", "name"), 0),
    "MaxPool2D": Layer("KerasMaxPooling2D", POOL, 1),
    "MaxPooling2D": Layer("KerasMaxPooling2D", POOL, 1),
    "Model": Layer("KerasModel", ("inputs", "outputs", "name"), 2, "model"),
    "Multiply": Layer("KerasMultiply", ("name",), 0),
    "Permute": Layer("KerasPermute", ("dims", "name"), 1),
    "ReLU": Layer("KerasActivation", ("name",), 0),
    "RepeatVector": Layer("KerasRepeatVector", ("n", "name"), 1),
    "Reshape": Layer("KerasReshape", ("target_shape", "name"), 1),
    "Sequential": Layer("KerasSequential", ("layers", "name"), 1),
    "Softmax": Layer("KerasSoftmax", ("axis", "name"), 1),
    "Subtract": Layer("KerasSubtract", ("name",), 0),
    "TimeDistributed": Layer("KerasTimeDistributed", ("layer", "name"), 1),
    "add": Layer("keras_add", ("inputs", "name"), 1, "symbol"),
    "concatenate": Layer("keras_concatenate", ("inputs", "axis", "name"), 2, "symbol"),
    "multiply": Layer("keras_multiply", ("inputs", "name"), 1, "symbol"),
}

AXIS = {"axis": "dim"}
LOGITS = {"axis": "dim", "logits": "input"}
REDUCING = {"axis": "dim", "input_tensor": "input", "keepdims": "keepdim"}
ONE: tuple[str, ...] = ("abs", "ceil", "cos", "erf", "exp", "expm1", "floor", "identity")
ONE += ("log", "log1p")
ONE += ("is_finite", "is_inf", "is_nan", "logical_not", "ones_like", "relu", "round", "rsqrt")
ONE += ("sigmoid", "sign", "sin", "sqrt", "square", "tanh", "zeros_like")
SAME = {"identity": "clone", "is_finite": "isfinite", "is_inf": "isinf", "is_nan": "isnan"}
BOTH = {"add": "add", "divide": "divide", "equal": "eq", "greater": "gt", "greater_equal": "ge"}
BOTH |= {"less": "lt", "less_equal": "le", "logical_and": "logical_and", "matmul": "matmul"}
BOTH |= {"logical_or": "logical_or", "multiply": "multiply", "not_equal": "ne", "pow": "pow"}
BOTH |= {"subtract": "subtract", "tile": "tile", "transpose": "permute"}
FUNCTIONS: Mapping[str, Function] = {
    **{name: Function(f"torch.{SAME.get(name, name)}", (1, 1)) for name in ONE},
    **{name: Function(f"torch.{other}", (2, 2)) for name, other in BOTH.items()},
    **{
        name: Function(f"torch.nn.functional.{name}", (1, 1))
        for name in ("elu", "gelu", "relu6", "selu", "silu", "softplus", "softsign")
    },
    "argmax": Function("torch.argmax", (2, 2), AXIS),
    "argmin": Function("torch.argmin", (2, 2), AXIS),
    "clip_by_value": Function("torch.clamp", (3, 3)),
    "concat": Function("torch.cat", (2, 2), {**AXIS, "values": "tensors"}),
    "cumsum": Function("torch.cumsum", (2, 2), AXIS),
    "einsum": Function("torch.einsum", (2, 6)),
    "expand_dims": Function("torch.unsqueeze", (2, 2), {**AXIS, "input": "input"}),
    "leaky_relu": Function("torch.nn.functional.leaky_relu", (1, 2), more="0.2"),
    "log_softmax": Function("torch.log_softmax", (1, 2), LOGITS, more="dim=-1"),
    "one_hot": Function("keras_one_hot", (2, 2), {"depth": "depth"}, layer=True),
    "reduce_all": Function("torch.all", (1, 3), REDUCING),
    "reduce_any": Function("torch.any", (1, 3), REDUCING),
    "reduce_logsumexp": Function("torch.logsumexp", (2, 3), REDUCING),
    "reduce_max": Function("torch.amax", (1, 3), REDUCING),
    "reduce_mean": Function("torch.mean", (1, 3), REDUCING),
    "reduce_min": Function("torch.amin", (1, 3), REDUCING),
    "reduce_sum": Function("torch.sum", (1, 3), REDUCING),
    "repeat": Function("torch.repeat_interleave", (3, 3), AXIS),
    "pad": Function("keras_pad", (2, 2), {"paddings": "paddings"}, layer=True),
    "reshape": Function("torch.reshape", (2, 2), {"tensor": "input", "shape": "shape"}),
    "sequence_mask": Function("keras_sequence_mask", (1, 1), layer=True),
    "softmax": Function("torch.softmax", (1, 2), LOGITS, more="dim=-1"),
    "squeeze": Function("torch.squeeze", (1, 2), {**AXIS, "input": "input"}),
    "stack": Function("torch.stack", (1, 2), AXIS),
    "stop_gradient": Function("torch.detach", (1, 1)),
    "transpose": Function("torch.permute", (2, 2), {"perm": "dims"}),
    "where": Function("torch.where", (3, 3)),
}
#: What Keras's backend says as TensorFlow does.
BACKEND = frozenset(
    {"abs", "cast", "exp", "log", "one_hot", "relu", "sigmoid", "softmax", "softplus", "sqrt"}
    | {"square", "stop_gradient", "tanh"}
)
ACTIVATIONS = frozenset(
    {"elu", "gelu", "leaky_relu", "linear", "log_softmax", "relu", "relu6", "selu", "sigmoid"}
    | {"silu", "softmax", "softplus", "softsign", "swish", "tanh"}
)
#: Initializers that the layers know by name.
INITIALIZERS: frozenset[str] = frozenset(
    {"glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal"}
    | {"lecun_uniform", "ones", "orthogonal", "zeros"}
)
#: What tensors of TensorFlow have, and torch's have not, or otherwise.
TENSOR_NAMES = frozenset(
    {"as_list", "assign", "assign_add", "consumers", "eval", "experimental_ref", "get_shape"}
    | {"graph", "numpy", "op", "ref", "set_shape", "trainable_variables", "trainable_weights"}
)
DTYPES: Mapping[str, str] = {
    **{name: name for name in ("bool", "float32", "float64", "int32", "int64", "int8", "uint8")},
}
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
