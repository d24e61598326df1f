"""A pass of a TF model in float64, whatever its code and its layers ask for.

Keras layers cast what they are given to their own type, and old models cast to float32 by hand. So
the pass is traced to a graph, its variables become constants, and every float32 in the graph
becomes a float64: types, constants, and the functions that loops run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, types_pb2
from tensorflow.python.framework import tensor_util
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.ops import gen_nn_ops

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.errors import UsageError

_NARROW, _WIDE = types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE


def in_float64(
    function: Callable[[dict[str, Any]], Mapping[str, Any]], inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """Run a function of named tensors in float64.

    Raises:
        UsageError: TF has no float64 form of an operation, or the function cannot be traced.
    """
    names: list[str] = []

    def flat(*tensors: Any) -> list[Any]:
        found = function(dict(zip(inputs, tensors, strict=True)))
        names[:] = list(found)
        return [tf.identity(value) for value in found.values()]

    specs = [
        tf.TensorSpec(value.shape, _plain(value).dtype, name=f"given_{i}")
        for i, value in enumerate(inputs.values())
    ]
    try:
        with _unfused():
            traced = tf.function(flat, autograph=False).get_concrete_function(*specs)
        frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
        graph = tf.Graph()
        with graph.as_default():
            tf.graph_util.import_graph_def(widened(frozen.graph.as_graph_def()), name="")
        given = {
            f"given_{i}:0": value.astype(np.float64) if value.dtype.kind == "f" else value
            for i, value in enumerate(inputs.values())
        }
        known = {tensor.name for tensor in frozen.inputs}
        with tf.compat.v1.Session(graph=graph) as session:
            results = session.run(
                [tensor.name for tensor in frozen.outputs],
                {name: value for name, value in given.items() if name in known},
            )
    except Exception as error:  # the user's own code may raise anything, and TF does
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(f"TensorFlow cannot run it in float64 ({first})") from error
    return {name: np.asarray(value) for name, value in zip(names, results, strict=True)}


@contextmanager
def _unfused() -> Iterator[None]:
    """Normalise by plain operations; the fused one, of batch and layer norms, has no float64."""
    fused = gen_nn_ops.fused_batch_norm_v3
    gen_nn_ops.fused_batch_norm_v3 = _normalised
    try:
        yield
    finally:
        gen_nn_ops.fused_batch_norm_v3 = fused


def _normalised(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    epsilon: float = 0.001,
    exponential_avg_factor: float = 1.0,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Any, ...]:
    """Give what FusedBatchNormV3 gives; moving averages stay as they are."""
    channels = 1 if data_format.startswith("NC") else len(x.shape) - 1
    if is_training:
        mean, variance = tf.nn.moments(x, [i for i in range(len(x.shape)) if i != channels])
    along = [-1 if i == channels else 1 for i in range(len(x.shape))]
    middle, spread, gain, bias = (tf.reshape(v, along) for v in (mean, variance, scale, offset))
    out = (x - middle) * tf.math.rsqrt(spread + epsilon) * gain + bias
    return out, mean, variance, mean, variance, variance


def widened(graph: Any) -> Any:
    """Turn every float32 of a graph and of its functions into float64, in place."""
    for function in graph.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            if argument.type == _NARROW:
                argument.type = _WIDE
        for value in function.attr.values():
            _widen(value)
    for node in _nodes(graph):
        for value in node.attr.values():
            _widen(value)
    return graph


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _widen(value: attr_value_pb2.AttrValue) -> None:
    kind = value.WhichOneof("value")
    if kind == "type" and value.type == _NARROW:
        value.type = _WIDE
    elif kind == "list":
        for i, each in enumerate(value.list.type):
            if each == _NARROW:
                value.list.type[i] = _WIDE
    elif kind == "tensor" and value.tensor.dtype == _NARROW:
        array = tensor_util.MakeNdarray(value.tensor).astype(np.float64)
        value.tensor.CopyFrom(tensor_util.make_tensor_proto(array))


def _plain(value: Array) -> Array:
    """Give the array as old policies did: float32 where it is of floats."""
    return value.astype(np.float32) if value.dtype == np.float64 else value
