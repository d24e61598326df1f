"""Compare our TF attention layers with Ray 2.60's; run by test_tf_attention_layers.py.

Prints one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from checking import report
from ray.rllib.models.tf import layers as rays

from rlmigrate.legacy.models.tf import layers as ours

tf.compat.v1.enable_eager_execution()  # RLlib's import may have switched it off

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 6)).astype(np.float32)
MEMORY = RNG.normal(size=(2, 4, 6)).astype(np.float32)
#: name: (class, arguments, what the layer is called with)
CASES: dict[str, tuple[str, dict[str, Any], tuple[Any, ...]]] = {
    "relative": ("RelativeMultiHeadAttention", {}, (X, MEMORY)),
    "relative_norm": ("RelativeMultiHeadAttention", {"input_layernorm": True}, (X, MEMORY)),
    "relative_relu": ("RelativeMultiHeadAttention", {"output_activation": tf.nn.relu}, (X, MEMORY)),
    "multi_head": ("MultiHeadAttention", {}, (X,)),
    "gru_gate": ("GRUGate", {"init_bias": 2.0}, ((X, X[::-1].copy()),)),
}


def check(name: str) -> None:
    """Give both layers the same weights, in the order in which they make them."""
    cls, arguments, inputs = CASES[name]
    if "Attention" in cls:
        arguments = {"out_dim": 6, "num_heads": 2, "head_dim": 5, **arguments}
    pair = [getattr(home, cls)(**arguments) for home in (ours, rays)]
    tensors = tf.nest.map_structure(tf.constant, inputs)
    for layer in pair:
        layer(*tensors)
    mine, theirs = ([*layer.weights] for layer in pair)
    assert len(mine) > 1
    assert [w.shape for w in mine] == [w.shape for w in theirs]
    for to, other in zip(mine, theirs, strict=True):
        drawn = RNG.normal(size=to.shape).astype(np.float32)
        to.assign(drawn)
        other.assign(drawn)
    found, expected = (np.asarray(layer(*tensors)) for layer in pair)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


if __name__ == "__main__":
    report({name: partial(check, name) for name in CASES})
