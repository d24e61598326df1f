"""Compare our TF attention, DQN and SAC models with Ray 2.60's; run by test_tf_nets.py.

Runs in a process of its own, because Keras is chosen when TensorFlow is imported. `record FILE`
compares with Ray (which needs legacy Keras) and writes weights and outputs of ours; `replay FILE`
computes them again, on whichever Keras. Prints one JSON object: check to null or what went wrong.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from checking import report
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple

from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

OBS = Box(-1.0, 1.0, (3,), np.float32)
SMALL = {"fcnet_hiddens": [8], "fcnet_activation": "relu"}
ATTENTION = {
    **SMALL,
    "use_attention": True,
    "attention_dim": 6,
    "attention_num_heads": 2,
    "attention_head_dim": 4,
    "attention_memory_inference": 5,
    "attention_position_wise_mlp_dim": 7,
    "max_seq_len": 3,
}
STRUCTURED = Dict({"a": Discrete(3), "b": Box(-1.0, 1.0, (2,), np.float32)})


def spaced(space: Any) -> Any:
    """Give Ray a Discrete with a plain int, which its Keras layers need."""
    if isinstance(space, Discrete):
        space.n = int(space.n)
    return space


#: name: (observations, actions, num_outputs, model config, other arguments)
CASES: dict[str, tuple[Any, Any, int | None, dict[str, Any], dict[str, Any]]] = {
    "attention": (OBS, Discrete(4), 4, ATTENTION, {}),
    "attention_two_units": (
        OBS,
        Discrete(4),
        4,
        {**ATTENTION, "attention_num_transformer_units": 2, "attention_use_n_prev_rewards": 2},
        {},
    ),
    "attention_previous_actions": (
        OBS,
        Discrete(4),
        4,
        {**ATTENTION, "attention_use_n_prev_actions": 2},
        {},
    ),
    "attention_previous_boxes": (
        OBS,
        Box(-1.0, 1.0, (2,), np.float32),
        4,
        {**ATTENTION, "attention_use_n_prev_actions": 2},
        {},
    ),
    "dqn": (OBS, Discrete(3), 8, SMALL, {"q_hiddens": [5], "dueling": True}),
    "dqn_plain": (OBS, Discrete(3), 3, SMALL, {"q_hiddens": []}),
    "dqn_atoms": (OBS, Discrete(3), 8, SMALL, {"q_hiddens": [5], "num_atoms": 4, "dueling": True}),
    "dqn_layer_norm": (
        OBS,
        Discrete(3),
        8,
        SMALL,
        {"q_hiddens": [5, 4], "add_layer_norm": True, "dueling": True},
    ),
    "dqn_noisy": (
        OBS,
        Discrete(3),
        8,
        SMALL,
        {"q_hiddens": [5], "use_noisy": True, "dueling": True},
    ),
    "sac": (OBS, Box(-1.0, 1.0, (2,), np.float32), None, SMALL, {"twin_q": True}),
    "sac_discrete": (OBS, Discrete(3), None, SMALL, {"initial_alpha": 0.5}),
    "sac_structured": (STRUCTURED, Box(-1.0, 1.0, (2,), np.float32), None, SMALL, {}),
}
#: Those that Ray cannot build or run; ours are only recorded and replayed.
OURS_ONLY: dict[str, tuple[Any, Any, int | None, dict[str, Any], dict[str, Any]]] = {
    "attention_previous_multi": (
        OBS,
        MultiDiscrete([2, 3]),
        5,
        {**ATTENTION, "attention_use_n_prev_actions": 2},
        {},
    ),
    "attention_previous_nested": (
        OBS,
        Tuple([Discrete(3), Box(-1.0, 1.0, (2,), np.float32)]),
        7,
        {
            **ATTENTION,
            "attention_use_n_prev_actions": 2,
            "_disable_action_flattening": True,
        },
        {},
    ),
}


def build(name: str, *, ray: bool) -> Any:
    import tensorflow as tf

    tf.keras.backend.clear_session()
    obs_space, action_space, num_outputs, config, extra = copy.deepcopy(
        {**CASES, **OURS_ONLY}[name]
    )
    catalog: Any = ModelCatalog
    if ray:
        from ray.rllib.models import ModelCatalog as RayCatalog

        catalog = RayCatalog
    kind = name.split("_")[0]
    arguments: dict[str, Any] = dict(extra)
    if kind == "dqn":
        if ray:
            from ray.rllib.algorithms.dqn.distributional_q_tf_model import DistributionalQTFModel
        else:
            from rlmigrate.legacy.models.tf.dqn_model import DistributionalQTFModel
        arguments["model_interface"] = DistributionalQTFModel
        config["no_final_linear"] = bool(extra["q_hiddens"])
    if kind == "sac":
        if ray:
            from ray.rllib.algorithms.sac.sac_tf_model import SACTFModel
        else:
            from rlmigrate.legacy.models.tf.sac_model import SACTFModel
        arguments["default_model"] = SACTFModel
        for net in ("policy", "q"):
            arguments[f"{net}_model_config"] = {**copy.deepcopy(MODEL_DEFAULTS), **SMALL}
    flat = ModelCatalog.get_preprocessor_for_space(obs_space).observation_space
    return catalog.get_model_v2(
        flat,
        spaced(action_space),
        num_outputs,
        {**copy.deepcopy(MODEL_DEFAULTS), **config},
        framework="tf2",
        name=name,
        **arguments,
    )


def weights_of(model: Any, name: str) -> list[Any]:
    """List all weights in a fixed order: Ray's `variables()` lacks those without a name."""
    if name.startswith("attention"):
        parts = [
            model.base_model,
            model.gtrxl.trxl_model,
            model._logits_branch,
            model._value_branch,
        ]
    elif name.startswith("dqn"):
        parts = [model.base_model, model.q_value_head, getattr(model, "state_value_head", None)]
    else:
        parts = [model.action_model, model.q_net, model.twin_q_net]
    there = [part for part in parts if part is not None]
    if name.startswith("sac"):
        return [variable for net in there for variable in net.variables()]
    return [weight for part in there for weight in part.weights]


def outputs(model: Any, name: str) -> list[np.ndarray]:
    import tensorflow as tf

    rng = np.random.default_rng(3)

    def normal(*shape: int) -> Any:
        return tf.constant(rng.normal(size=shape), tf.float32)

    if name.startswith("attention"):
        return attention_outputs(model, name, normal)
    if name.startswith("dqn"):
        features, _ = model({"obs": normal(4, 3)})
        tf.random.set_seed(4)
        results = list(model.get_q_value_distributions(features))
        tf.random.set_seed(4)
        results += list(model.q_value_head(features))
        if hasattr(model, "state_value_head"):
            tf.random.set_seed(5)
            results.append(model.get_state_value(features))
        return [np.asarray(result) for result in results]
    width = 5 if name == "sac_structured" else 3
    out, _ = model({"obs": normal(4, width)})
    actions = None if name == "sac_discrete" else normal(4, 2)
    results = [model.get_action_model_outputs(out)[0], model.get_q_values(out, actions)[0]]
    if model.twin_q_net:
        results.append(model.get_twin_q_values(out, actions)[0])
    results += [tf.exp(model.log_alpha), model.alpha, model.target_entropy]
    return [np.asarray(result, np.float32) for result in results]


def attention_outputs(model: Any, name: str, normal: Callable[..., Any]) -> list[np.ndarray]:
    import tensorflow as tf

    batch = {"obs": normal(6, 3), "prev_rewards": normal(6, 2)}
    if name == "attention_previous_nested":
        batch["prev_actions"] = (tf.constant([[0, 2]] * 6), normal(6, 2, 2))
    elif name == "attention_previous_multi":
        batch["prev_actions"] = tf.constant([[[0, 2], [1, 1]]] * 6)
    elif name == "attention_previous_boxes":
        batch["prev_actions"] = normal(6, 2, 2)
    else:
        batch["prev_actions"] = tf.constant([[0, 3], [1, 1], [2, 0]] * 2)
    units = model.gtrxl.num_transformer_units
    memories = [normal(2, 5, 6) for _ in range(units)]
    out, states = model(batch, memories, tf.constant([3, 3]))
    results = [out, model.value_function(), *states, *model.get_initial_state()]
    return [np.asarray(result, np.float32) for result in results]


def fill(weights: list[Any]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    values = [rng.normal(scale=0.5, size=weight.shape).astype(np.float32) for weight in weights]
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)
    return values


def compare(mine: Any, outs: list[np.ndarray], name: str) -> None:
    theirs = build(name, ray=True)
    weights = weights_of(theirs, name)
    shapes = [[tuple(w.shape) for w in part] for part in (weights_of(mine, name), weights)]
    assert shapes[0] == shapes[1], shapes
    fill(weights)
    for mine_out, their_out in zip(outs, outputs(theirs, name), strict=True):
        np.testing.assert_allclose(mine_out, their_out, rtol=1e-6, atol=1e-6)
    for requirement, rays in theirs.view_requirements.items():
        assert mine.view_requirements[requirement].shift == rays.shift


def every_weight_is_found(model: Any, name: str) -> None:
    found = {id(variable) for variable in model.variables()}
    assert {id(weight) for weight in weights_of(model, name)} <= found
    trained = {id(variable) for variable in model.trainable_variables()}
    assert {id(w) for w in weights_of(model, name) if w.trainable} <= trained


def record(path: str) -> dict[str, Callable[[], None]]:
    arrays: dict[str, np.ndarray] = {}

    def check(name: str) -> None:
        model = build(name, ray=False)
        for index, value in enumerate(fill(weights_of(model, name))):
            arrays[f"{name}|weight|{index}"] = value
        outs = outputs(model, name)
        for index, value in enumerate(outs):
            arrays[f"{name}|out|{index}"] = value
        np.savez(path, **arrays)
        every_weight_is_found(model, name)
        if name in CASES:
            compare(model, outs, name)

    return {f"ray:{name}": lambda name=name: check(name) for name in {**CASES, **OURS_ONLY}}


def replay(path: str) -> dict[str, Callable[[], None]]:
    recorded = np.load(path)

    def check(name: str) -> None:
        model = build(name, ray=False)
        for index, weight in enumerate(weights_of(model, name)):
            weight.assign(recorded[f"{name}|weight|{index}"])
        every_weight_is_found(model, name)
        # Noise is drawn by the same generator on either Keras.
        for index, value in enumerate(outputs(model, name)):
            expected = recorded[f"{name}|out|{index}"]
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)

    return {f"replay:{name}": lambda name=name: check(name) for name in {**CASES, **OURS_ONLY}}


if __name__ == "__main__":
    if sys.argv[1] == "record":
        # Importing Ray turns eager execution off, and Keras 3 cannot do without it.
        from ray.rllib.utils.framework import try_import_tf

        try_import_tf()[0].enable_eager_execution()
    report({"record": record, "replay": replay}[sys.argv[1]](sys.argv[2]))
