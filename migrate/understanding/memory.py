"""Operations of torch and numpy that hand back the memory of what they are given, or write into it.

METADATA      attributes of a tensor that are no tensor
VIEWS         members and functions whose result may share memory with their input
PARTED        those of them that return several tensors
MUTATORS      methods that change a dict or list
HELD_MUTATORS   those that change what a class holds, where a tensor's would not
WRITERS       functions that write into their first argument, by their dotted name
FRESH_LAYERS  torch modules whose result is always new memory
PASSING       torch modules that may return their very input
IN_PLACE_AT   where modules take `inplace` by position; functions of torch take it one place later
is_idempotent   whether a change comes to the same however often it is made
writes_itself   whether a name is that of an operation that changes its first operand
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

METADATA = frozenset(
    {"shape", "dtype", "device", "ndim", "layout", "is_cuda", "requires_grad", "names", "is_leaf"}
    | {"grad_fn", "itemsize", "nbytes", "output_nr", "is_sparse", "name"}
)

PARTED = frozenset(
    {"split", "chunk", "unbind", "tensor_split", "hsplit", "vsplit", "dsplit", "meshgrid"}
    | {"split_with_sizes", "broadcast_tensors", "unsafe_chunk", "unsafe_split"}
    | {"unsafe_split_with_sizes", "array_split"}
)

#: `.float()` and its kin return the tensor itself where nothing is to be cast, dropout where it
#: does not train, einsum where it only permutes.
VIEWS = PARTED | frozenset(
    {"T", "mT", "H", "mH", "adjoint", "view", "reshape", "flatten", "ravel", "permute", "transpose"}
    | {"squeeze", "unsqueeze", "contiguous", "detach", "data", "expand", "expand_as", "narrow"}
    | {"select", "view_as", "reshape_as", "swapaxes", "swapdims", "movedim", "moveaxis", "unfold"}
    | {"diagonal", "t", "as_strided", "unflatten", "alias", "real", "imag", "view_as_real"}
    | {"view_as_complex", "conj", "conj_physical", "resolve_conj", "resolve_neg", "positive"}
    | {"broadcast_to", "atleast_1d", "atleast_2d", "atleast_3d", "sum_to_size", "rename"}
    | {"refine_names", "align_as", "align_to", "indices", "values", "crow_indices", "col_indices"}
    | {"float", "to", "type", "type_as", "long", "int", "double", "half", "bool", "short", "byte"}
    | {"char", "bfloat16", "cpu", "cuda", "xpu", "ipu", "cfloat", "cdouble", "chalf", "as_subclass"}
    | {"numpy", "__array__", "as_tensor", "asarray", "from_numpy", "asanyarray", "index"}
    | {"ascontiguousarray", "from_dlpack", "to_dlpack", "frombuffer", "pin_memory", "resize"}
    | {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout"}
    | {"unsafe_view", "feature_alpha_dropout", "native_dropout", "einsum", "cartesian_prod"}
    | {"expand_dims", "dequantize", "slice_inverse"}
    | {"rollaxis", "requires_grad_", "to_dense", "coalesce", "resize_as", "get", "items", "keys"}
)

MUTATORS = frozenset(
    {"pop", "popitem", "update", "clear", "setdefault", "append", "extend", "insert", "remove"}
    | {"appendleft", "popleft", "discard"}
)

#: Methods of lists, deques and arrays that change them, where a tensor's of that name do not.
HELD_MUTATORS = frozenset(
    {"rotate", "sort", "reverse", "fill", "put", "itemset", "partition", "extendleft", "subtract"}
    | {"move_to_end", "difference_update", "intersection_update", "byteswap", "setflags"}
)

#: Members of a torch module that give it something new.
REGISTERING = frozenset({"register_buffer", "register_parameter", "register_module", "add_module"})
#: Functions of numpy that take the array for their result as a third argument.
OF_TWO = frozenset(
    {"add", "subtract", "multiply", "divide", "true_divide", "power", "maximum", "minimum"}
    | {"matmul", "dot", "mod", "floor_divide", "fmax", "fmin", "logical_and", "logical_or"}
)

WRITERS = frozenset(
    {f"operator.{name}" for name in ("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod")}
    | {f"operator.{name}" for name in ("ipow", "iand", "ior", "ixor", "setitem", "delitem")}
    | {f"numpy.{name}" for name in ("copyto", "put", "place", "putmask", "fill_diagonal")}
    | {"numpy.random.shuffle", "random.shuffle", "setattr", "delattr"}
    | {f"heapq.{name}" for name in ("heappop", "heappush", "heapify", "heapreplace")}
    | {f"bisect.{name}" for name in ("insort", "insort_left", "insort_right")}
)

FRESH_LAYERS = frozenset(
    {"Linear", "LazyLinear", "Bilinear", "NonDynamicallyQuantizableLinear", "Embedding"}
    | {"EmbeddingBag", "LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell", "LayerNorm"}
    | {"GroupNorm", "RMSNorm", "LocalResponseNorm", "MultiheadAttention", "Transformer"}
    | {"TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder", "PReLU", "Softmax"}
    | {"TransformerDecoderLayer", "GELU", "Tanh", "Sigmoid", "Softplus", "LogSoftmax", "GLU"}
    | {"Softsign", "Tanhshrink", "Softshrink", "Hardshrink", "LogSigmoid", "Softmin", "Softmax2d"}
    | {"Upsample", "PixelShuffle", "PixelUnshuffle", "ZeroPad2d", "Fold", "Unfold"}
    | {f"{kind}{n}d" for n in (1, 2, 3) for kind in ("Conv", "ConvTranspose", "LazyConv")}
    | {f"{kind}{n}d" for n in (1, 2, 3) for kind in ("BatchNorm", "InstanceNorm", "MaxPool")}
    | {f"{kind}{n}d" for n in (1, 2, 3) for kind in ("AvgPool", "AdaptiveAvgPool", "ConstantPad")}
    | {f"{kind}{n}d" for n in (1, 2, 3) for kind in ("AdaptiveMaxPool", "LPPool")}
    | {f"{kind}{n}d" for n in (1, 2, 3) for kind in ("ReflectionPad", "ReplicationPad")}
    | {"SlimFC", "SlimConv2d", "FullyConnectedNetwork", "VisionNetwork", "ComplexInputNetwork"}
)

PASSING = frozenset(
    {"Identity", "Flatten", "Unflatten", "AppendBiasLayer", "Sequential", "ModuleList"}
    | {"FeatureAlphaDropout"}
)

IN_PLACE_AT: Mapping[str, int] = {
    **dict.fromkeys(("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid"), 0),
    **dict.fromkeys(("ELU", "CELU", "LeakyReLU", "Dropout", "Dropout1d", "Dropout2d"), 1),
    **dict.fromkeys(("Dropout3d", "AlphaDropout", "FeatureAlphaDropout"), 1),
    **dict.fromkeys(("Hardtanh", "RReLU", "Threshold"), 2),
}

#: Functions of torch take `inplace` after their input, some after `training` too.
_AFTER_TRAINING = frozenset(
    {"dropout", "dropout1d", "dropout2d", "dropout3d", "alphadropout", "featurealphadropout"}
    | {"rrelu"}
)
IN_PLACE_ARGUMENT: Mapping[str, int] = {
    name.lower(): at + 1 + (name.lower() in _AFTER_TRAINING) for name, at in IN_PLACE_AT.items()
}

#: Names that end as if they wrote into a tensor's numbers, and do not.
_HARMLESS = frozenset({"requires_grad_", "share_memory_", "retain_grad_", "names_"})
_DUNDERS = frozenset(
    {"__setitem__", "__delitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__"}
    | {"__ifloordiv__", "__imod__", "__ipow__", "__iand__", "__ior__", "__ixor__", "__ilshift__"}
    | {"__irshift__"}
)


def writes_itself(name: str) -> bool:
    """Say whether a name is that of an operation that changes its first operand.

    >>> [writes_itself(name) for name in ("relu_", "__iadd__", "relu", "requires_grad_")]
    [True, True, False, False]
    """
    plain = name.endswith("_") and not name.endswith("__") and name not in _HARMLESS
    return plain or name in _DUNDERS


#: In-place operations that come to the same when they are made again.
_SETTLING = frozenset(
    {
        "clamp_",
        "clamp_min_",
        "clamp_max_",
        "clip_",
        "zero_",
        "fill_",
        "relu_",
        "abs_",
        "__setattr__",
    }
)


def is_idempotent(node: ast.AST) -> bool:
    """Say whether a change comes to the same however often it is made.

    >>> is_idempotent(ast.parse("self.log_std.data.clamp_(-20, 2)", mode="eval").body)
    True
    """
    func = node.func if isinstance(node, ast.Call) else None
    return isinstance(func, ast.Attribute) and func.attr in _SETTLING


__all__ = [
    "FRESH_LAYERS",
    "HELD_MUTATORS",
    "IN_PLACE_ARGUMENT",
    "IN_PLACE_AT",
    "METADATA",
    "MUTATORS",
    "OF_TWO",
    "PARTED",
    "PASSING",
    "REGISTERING",
    "VIEWS",
    "WRITERS",
    "is_idempotent",
    "writes_itself",
]
