"""Compare our TF models and distributions with Ray 2.60's; run by test_tf_against_ray.py.

Runs in a process of its own, because Keras is chosen when TensorFlow is imported. Prints one JSON
object: check name to null, or to what went wrong. With --record FILE the weights, inputs and
outputs of our models are written, with --replay FILE they are computed again and compared
(that run needs no Ray and serves the other Keras).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from checking import report
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple

from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

VECTOR = Box(-1.0, 1.0, (5,), np.float32)
IMAGE = Box(0, 255, (10, 10, 3), np.uint8)
NESTED = Dict(
    {
        "image": Box(0.0, 1.0, (10, 10, 3), np.float32),
        "kind": Discrete(3),
        "place": Box(-1.0, 1.0, (2,), np.float32),
    }
)
SMALL = {"fcnet_hiddens": [7, 6]}
LSTM = {**SMALL, "use_lstm": True, "lstm_cell_size": 4}

#: name: (observation space, action space, num_outputs, model config)
MODELS: dict[str, tuple[gym.Space[Any], gym.Space[Any], int | None, dict[str, Any]]] = {
    "fcnet": (VECTOR, Discrete(3), 3, SMALL),
    "fcnet_separate_value": (VECTOR, Discrete(3), 3, {**SMALL, "vf_share_layers": False}),
    "fcnet_free_log_std": (VECTOR, Box(-1, 1, (2,)), 4, {**SMALL, "free_log_std": True}),
    "fcnet_no_final_linear": (VECTOR, Discrete(3), 3, {**SMALL, "no_final_linear": True}),
    "fcnet_no_outputs": (VECTOR, Discrete(3), None, SMALL),
    "fcnet_post": (
        VECTOR,
        Discrete(3),
        3,
        {"fcnet_hiddens": [], "post_fcnet_hiddens": [4], "post_fcnet_activation": "relu"},
    ),
    "fcnet_discrete_obs": (Discrete(4), Discrete(3), 3, SMALL),
    "vision": (IMAGE, Discrete(3), 3, {}),
    "vision_separate_value": (IMAGE, Discrete(3), 3, {"vf_share_layers": False}),
    "vision_post": (
        Box(0.0, 1.0, (42, 42, 3)),
        Discrete(3),
        3,
        {"post_fcnet_hiddens": [5, 4], "post_fcnet_activation": "tanh"},
    ),
    "vision_no_final_linear": (
        Box(0.0, 1.0, (42, 42, 3)),
        Discrete(3),
        3,
        {"no_final_linear": True, "post_fcnet_hiddens": [5], "vf_share_layers": False},
    ),
    "complex": (NESTED, Discrete(3), 3, {**SMALL, "post_fcnet_hiddens": [5]}),
    "lstm": (VECTOR, Discrete(3), 3, LSTM),
    "lstm_previous": (
        VECTOR,
        Discrete(3),
        3,
        {**LSTM, "lstm_use_prev_action": True, "lstm_use_prev_reward": True},
    ),
    "lstm_previous_multi": (VECTOR, MultiDiscrete([2, 3]), 5, {**LSTM, "lstm_use_prev_action": 1}),
}

DISTRIBUTIONS: dict[str, tuple[gym.Space[Any], int]] = {
    "categorical": (Discrete(4), 4),
    "multi_categorical": (MultiDiscrete([2, 3]), 5),
    "integer_box": (Box(0, 2, (2,), np.int32), 6),
    "gaussian": (Box(-1.0, 1.0, (3,)), 6),
    "tuple": (Tuple([Discrete(2), Box(-1.0, 1.0, (2,))]), 6),
    "dict": (Dict({"b": MultiDiscrete([2, 2]), "a": Discrete(3)}), 7),
}


def model_config(changes: dict[str, Any]) -> dict[str, Any]:
    return {**MODEL_DEFAULTS, **changes}


def inputs_of(name: str) -> dict[str, Any]:
    """Observations [6, ...] of a space, flat as the old stack has them, and what else is read."""
    import tensorflow as tf

    space, action_space, _, config = MODELS[name]
    rng = np.random.default_rng(3)
    processed = ModelCatalog.get_preprocessor_for_space(space).observation_space
    if space is IMAGE:
        obs = rng.integers(0, 256, (6, *space.shape)).astype(np.uint8)
    else:
        obs = rng.uniform(0, 1, (6, *processed.shape)).astype(np.float32)
    batch = {"obs": tf.convert_to_tensor(obs)}
    if config.get("use_lstm"):
        action_space.seed(1)
        actions = np.stack([action_space.sample() for _ in range(6)])
        batch["prev_actions"] = tf.convert_to_tensor(actions)
        batch["prev_rewards"] = tf.convert_to_tensor(rng.normal(size=6).astype(np.float32))
    return batch


def run(model: Any, batch: dict[str, Any]) -> list[np.ndarray]:
    import tensorflow as tf

    state, lens = [], None
    if model.get_initial_state():
        state = [tf.ones((2, 4)) * 0.1, tf.ones((2, 4)) * 0.2]
        lens = tf.constant([3, 2])
    out, after = model(dict(batch), state, lens)
    results = [out, *after]
    if model._value_out is not None:
        results.append(model.value_function())
    return [np.asarray(result) for result in results]


def build(catalog: Any, name: str) -> Any:
    import tensorflow as tf

    tf.keras.backend.clear_session()  # layer names count on from model to model
    space, action_space, num_outputs, config = MODELS[name]
    processed = catalog.get_preprocessor_for_space(space).observation_space
    return catalog.get_model_v2(
        processed, action_space, num_outputs, model_config(config), framework="tf2", name=name
    )


def same(mine: Any, theirs: Any, what: str) -> None:
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-7, err_msg=what)


def check_model(name: str) -> None:
    from ray.rllib.models import ModelCatalog as RayCatalog

    theirs, mine = build(RayCatalog, name), build(ModelCatalog, name)
    their_names = theirs.variables(as_dict=True)
    my_names = mine.variables(as_dict=True)
    assert list(their_names) == list(my_names), (list(their_names), list(my_names))
    rng = np.random.default_rng(0)
    for key, variable in their_names.items():
        value = rng.normal(scale=0.5, size=variable.shape).astype(np.float32)
        variable.assign(value)
        my_names[key].assign(value)
    batch = inputs_of(name)
    for mine_out, their_out in zip(run(mine, batch), run(theirs, batch), strict=True):
        same(mine_out, their_out, name)
    assert len(mine.trainable_variables()) == len(theirs.trainable_variables())


def check_distribution(name: str) -> None:
    import tensorflow as tf
    from ray.rllib.models import ModelCatalog as RayCatalog

    space, width = DISTRIBUTIONS[name]
    config = dict(MODEL_DEFAULTS)
    their_cls, their_size = RayCatalog.get_action_dist(space, config, framework="tf2")
    if name in ("tuple", "dict"):
        # Ray 2.60 takes torch's for framework "tf2".
        their_cls, their_size = RayCatalog.get_action_dist(space, config, framework="tf")
    my_cls, my_size = ModelCatalog.get_action_dist(space, config, framework="tf2")
    assert int(their_size) == int(my_size) == width
    rng = np.random.default_rng(5)
    rows, others = (tf.constant(rng.normal(size=(8, width)), tf.float32) for _ in range(2))
    tf.random.set_seed(11)
    theirs = their_cls(rows, None)
    tf.random.set_seed(11)
    mine = my_cls(rows, None)
    import tree

    tree.map_structure(lambda a, b: same(a, b, "sample"), mine.sample(), theirs.sample())
    tree.map_structure(
        lambda a, b: same(a, b, "deterministic"),
        mine.deterministic_sample(),
        theirs.deterministic_sample(),
    )
    same(mine.sampled_action_logp(), theirs.sampled_action_logp(), "sampled_action_logp")
    same(mine.logp(mine.sample()), theirs.logp(theirs.sample()), "logp")
    same(mine.entropy(), theirs.entropy(), "entropy")
    same(mine.kl(my_cls(others, None)), theirs.kl(their_cls(others, None)), "kl")


def check_against_torch(name: str) -> None:
    """Densities that Ray computes with tensorflow_probability, against our torch ones."""
    import tensorflow as tf
    import torch

    from rlmigrate.legacy import distributions as in_torch
    from rlmigrate.legacy.distributions import tf as in_tf

    rng = np.random.default_rng(7)
    rows = rng.normal(size=(8, 6)).astype(np.float32)
    mine = getattr(in_tf, name)(tf.constant(rows), None)
    other = getattr(in_torch, f"Torch{name}")(torch.tensor(rows), None)
    # Away from the bounds, where float32 atanh is mostly rounding.
    actions = np.asarray(mine.sample()) * 0.9
    np.testing.assert_allclose(mine.logp(actions), other.logp(torch.tensor(actions)), rtol=1e-5)
    same(mine.deterministic_sample(), other.deterministic_sample(), "deterministic")
    if name == "Dirichlet":
        np.testing.assert_allclose(mine.entropy(), other.entropy(), rtol=1e-4)
        twin = getattr(in_tf, name)(tf.constant(rows[::-1].copy()), None)
        their_twin = getattr(in_torch, f"Torch{name}")(torch.tensor(rows[::-1].copy()), None)
        np.testing.assert_allclose(mine.kl(twin), other.kl(their_twin), rtol=1e-4)


def checks() -> Iterator[tuple[str, Callable[[], None]]]:
    for name in MODELS:
        yield f"model:{name}", lambda name=name: check_model(name)
    for name in DISTRIBUTIONS:
        yield f"distribution:{name}", lambda name=name: check_distribution(name)
    for name in ("SquashedGaussian", "Beta", "Dirichlet"):
        yield f"torch:{name}", lambda name=name: check_against_torch(name)


def record(path: str) -> None:
    arrays = {}
    for name in MODELS:
        model = build(ModelCatalog, name)
        rng = np.random.default_rng(2)
        for key, variable in model.variables(as_dict=True).items():
            value = rng.normal(scale=0.5, size=variable.shape).astype(np.float32)
            variable.assign(value)
            arrays[f"{name}|weight|{key}"] = value
        for position, out in enumerate(run(model, inputs_of(name))):
            arrays[f"{name}|out|{position}"] = out
    np.savez(path, **arrays)


def replay(path: str) -> Iterator[tuple[str, Callable[[], None]]]:
    recorded = np.load(path)

    def check(name: str) -> None:
        model = build(ModelCatalog, name)
        weights = [recorded[key] for key in recorded.files if key.startswith(f"{name}|weight|")]
        variables = model.variables()
        assert len(variables) == len(weights), (len(variables), len(weights))
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)
        for position, out in enumerate(run(model, inputs_of(name))):
            np.testing.assert_allclose(
                out, recorded[f"{name}|out|{position}"], rtol=1e-5, atol=1e-6
            )

    for name in MODELS:
        yield f"replay:{name}", lambda name=name: check(name)


if __name__ == "__main__":
    mode, path = (*sys.argv[1:], "", "")[:2]
    if mode != "--replay":
        import tensorflow as tf
        from ray.rllib.utils.framework import try_import_tf

        try_import_tf()  # switches eager execution off, as any import of RLlib's TF code does

        tf.compat.v1.enable_eager_execution()
    recording = {"record": partial(record, path)} if mode == "--record" else {}
    report(dict(replay(path) if mode == "--replay" else checks()) | recording)
