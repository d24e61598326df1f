"""Checks of wrapped TF models; run by test_wrapped_tf.py in a process of their own.

Keras is chosen when TensorFlow is imported. Ray's TF models run on legacy Keras only; on Keras 3
the reference is our ModelV2, which tests/legacy/tf compares with Ray's. Prints one JSON object:
check name to null, or to what went wrong.
"""

from __future__ import annotations

import copy
import functools
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
import tree
from checking import report

from rlmigrate import transfer_weights, wrap_model
from rlmigrate.errors import WeightsError, WrapError
from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog
from rlmigrate.legacy.models.tf import FullyConnectedNetwork, TFModelV2
from rlmigrate.new_stack import RLModule, RLModuleSpec
from rlmigrate.new_stack.tf import TfRLModule

LEGACY_KERAS = os.environ["TF_USE_LEGACY_KERAS"] == "1"
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
NESTED = gym.spaces.Dict({"a": gym.spaces.Discrete(3), "b": OBS})
B, T, M = 3, 4, 5
SPACES = {
    "discrete": gym.spaces.Discrete(3),
    "box": gym.spaces.Box(-1, 1, (2,)),
    "int_box": gym.spaces.Box(0, 3, (2,), dtype=np.int32),
    "multi_discrete": gym.spaces.MultiDiscrete([2, 3]),
    "tuple": gym.spaces.Tuple((gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (2,)))),
    "dict": gym.spaces.Dict({"a": gym.spaces.Discrete(2), "b": gym.spaces.Box(-1, 1, (1,))}),
}
SMALL = {"fcnet_hiddens": [8, 6]}
LSTM = {**SMALL, "use_lstm": True, "lstm_cell_size": 5, "max_seq_len": T}
Named = wrap_model(FullyConnectedNetwork, name="Named")


def build(wrapped: Any, space: Any = SPACES["discrete"], obs: Any = OBS, **config: Any) -> Any:
    return RLModuleSpec(
        module_class=wrapped,
        observation_space=obs,
        action_space=space,
        model_config=config or SMALL,
    ).build()


def equal(found: Any, expected: Any) -> None:
    def same(a: Any, b: Any) -> None:
        a, b = np.asarray(a), np.asarray(b)
        assert np.array_equal(a.reshape(b.shape), b), (a, b)

    tree.map_structure(same, found, expected)


def against(module: Any, model: Any, dist_class: Any) -> None:
    """Give the module the model's weights; outputs, values and gradients must be the same."""
    mine, theirs = module.legacy_model.variables(), model.variables()
    assert len(mine) == len(theirs) > 3
    for to, value in zip(mine, theirs, strict=True):
        to.assign(value)
    rng = np.random.default_rng(0)
    initial = module.get_initial_state()
    state = {k: rng.normal(size=(B, *v.shape)).astype(np.float32) for k, v in initial.items()}
    lead = (B, T) if state else (B,)
    obs = rng.uniform(-1, 1, (*lead, 4)).astype(np.float32)
    lens = np.array([T, 2, 1], np.int32)
    batch = {"obs": obs, **({"state_in": state, "seq_lens": lens} if state else {})}

    with tf.GradientTape() as new_tape:
        outputs = module.forward_train(batch)
        values = module.compute_values(batch, outputs["embeddings"])
        loss = tf.reduce_sum(outputs["action_dist_inputs"] ** 2) + tf.reduce_sum(values**2)
    with tf.GradientTape() as old_tape:
        states = [tf.convert_to_tensor(s) for s in state.values()]
        logits, after = model(
            {"obs": tf.convert_to_tensor(obs.reshape(-1, 4)), "is_training": True},
            states,
            tf.convert_to_tensor(lens) if state else None,
        )
        old_values = model.value_function()
        old_loss = tf.reduce_sum(logits**2) + tf.reduce_sum(old_values**2)
    equal(tf.reshape(outputs["action_dist_inputs"], logits.shape), logits)
    equal(values, tf.reshape(old_values, lead))
    if state and after[0].shape[0] == B:
        equal(list(outputs["state_out"].values()), list(after))
    equal(module.compute_values(batch), values)
    pairs = zip(
        new_tape.gradient(loss, module.legacy_model.trainable_variables()),
        old_tape.gradient(old_loss, model.trainable_variables()),
        strict=True,
    )
    for found, wanted in pairs:
        assert (found is None) == (wanted is None)
        if found is not None:
            equal(tf.convert_to_tensor(found), tf.convert_to_tensor(wanted))

    new_class = module.get_train_action_dist_cls()
    tf.random.set_seed(1)
    new = new_class.from_logits(outputs["action_dist_inputs"])
    tf.random.set_seed(1)
    old = dist_class(logits, model)
    equal(new.sample(), old.sample())
    equal(new.to_deterministic().sample(), old.deterministic_sample())
    equal(new.logp(new.sample()), old.logp(old.sample()))
    equal(new.entropy(), old.entropy())
    other = new_class.from_logits(outputs["action_dist_inputs"] * 0.5)
    equal(new.kl(other), old.kl(dist_class(logits * 0.5, model)))


def reference(catalog: Any, defaults: Any, space: Any, config: dict[str, Any]) -> tuple[Any, Any]:
    merged = {**defaults, **config}
    dist_class, size = catalog.get_action_dist(space, merged, framework="tf")
    model = catalog.get_model_v2(OBS, space, size, merged, framework="tf2", name="reference")
    return model, dist_class


def check_ours(name: str, config: dict[str, Any]) -> None:
    module = build(wrap_model(FullyConnectedNetwork), SPACES[name], **config)
    assert isinstance(module, TfRLModule)
    against(module, *reference(ModelCatalog, MODEL_DEFAULTS, SPACES[name], config))


def check_rays(name: str, config: dict[str, Any]) -> None:
    if not LEGACY_KERAS:
        return
    from ray.rllib.models.catalog import MODEL_DEFAULTS as RAYS_DEFAULTS
    from ray.rllib.models.catalog import ModelCatalog as RaysCatalog
    from ray.rllib.models.tf.fcnet import FullyConnectedNetwork as RaysNet

    module = build(wrap_model(RaysNet, stack="builtin"), SPACES[name], **config)
    against(module, *reference(RaysCatalog, RAYS_DEFAULTS, SPACES[name], config))


def check_attention_rolls_its_memory() -> None:
    config = {
        "use_attention": True,
        "attention_dim": 8,
        "attention_head_dim": 4,
        "attention_num_heads": 2,
        "attention_num_transformer_units": 1,
        "attention_memory_inference": M,
        "attention_memory_training": M,
        "max_seq_len": T,
    }
    module = build(wrap_model(FullyConnectedNetwork), **config)
    state = {k: np.zeros((B, *v.shape), np.float32) for k, v in module.get_initial_state().items()}
    seen = []
    for _ in range(M + 2):
        obs = np.random.default_rng(len(seen)).uniform(-1, 1, (B, 1, 4)).astype(np.float32)
        model_state = [tf.convert_to_tensor(s) for s in state.values()]
        outputs = module.forward_inference({"obs": obs, "state_in": state})
        logits, after = module.legacy_model(
            {"obs": tf.convert_to_tensor(obs[:, 0]), "is_training": False},
            model_state,
            tf.ones(B, tf.int32),
        )
        equal(outputs["action_dist_inputs"], logits[:, None])
        seen.append(np.asarray(after[0]).reshape(B, -1))
        state = outputs["state_out"]
        window = [np.zeros_like(seen[0])] * (M - len(seen)) + seen[-M:]
        equal(state["memory_0"], np.stack(window, 1))


def check_nested_observations_are_preprocessed() -> None:
    module = build(wrap_model(FullyConnectedNetwork), obs=NESTED)
    rows = [NESTED.sample() for _ in range(B)]
    batch = tree.map_structure(lambda *leaves: np.stack(leaves), *rows)
    preprocessor = ModelCatalog.get_preprocessor_for_space(NESTED)
    flat = np.stack([preprocessor.transform(row) for row in rows])
    logits, _ = module.legacy_model({"obs": tf.convert_to_tensor(flat)}, [], None)
    equal(module.forward_inference({"obs": batch})["action_dist_inputs"], logits)


def check_copies_and_checkpoints() -> None:
    module = build(Named, SPACES["tuple"])
    obs = {"obs": np.ones((2, 4), np.float32)}
    expected = module.forward_inference(obs)["action_dist_inputs"]
    with tempfile.TemporaryDirectory() as folder:
        module.save_to_path(f"{folder}/module")
        restored = RLModule.from_checkpoint(
            f"{folder}/module", module_classes={f"{__name__}.Named": Named}
        )
        twins = [restored, copy.deepcopy(module)]
        if sys.modules["__main__"].__name__ == __name__:
            twins.append(pickle.loads(pickle.dumps(module)))
        for twin in twins:
            equal(twin.forward_inference(obs)["action_dist_inputs"], expected)
        for variable in module.weights:
            variable.assign(tf.zeros_like(variable))
        assert np.any(np.asarray(expected))
        for twin in twins:
            equal(twin.forward_inference(obs)["action_dist_inputs"], expected)


class Modes(TFModelV2):
    """Has layers that differ in training, driven by `is_training` as in old TF models."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.norm = tf.keras.layers.BatchNormalization()
        self.drop = tf.keras.layers.Dropout(0.5)
        self.head = tf.keras.layers.Dense(self.num_outputs)
        self.head(self.norm(tf.zeros((1, 4))))

    def forward(self, input_dict: Any, state: Any, seq_lens: Any) -> Any:
        training = input_dict["is_training"]
        hidden = self.drop(self.norm(input_dict["obs"], training=training), training=training)
        return self.head(hidden), state


def check_batch_norm_and_dropout_train_only_in_training() -> None:
    module = build(wrap_model(Modes))
    batch = {"obs": np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)}
    mean = np.array(module.legacy_model.norm.moving_mean)
    first, second = (module.forward_inference(batch)["action_dist_inputs"] for _ in range(2))
    equal(first, second)
    equal(module.legacy_model.norm.moving_mean, mean)
    first, second = (module.forward_train(batch)["action_dist_inputs"] for _ in range(2))
    assert not np.array_equal(first, second)
    assert not np.array_equal(module.legacy_model.norm.moving_mean, mean)


def check_rays_stack_is_refused() -> None:
    with pytest.raises(WrapError, match='stack="builtin"'):
        wrap_model(FullyConnectedNetwork, stack="ray")


# ---- weights, TF to torch


def tf_arrays(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The variables under the names that an old TF policy's checkpoint gives them."""
    return {v_name(variable): np.asarray(variable) for variable in model.variables()}


def v_name(variable: Any) -> str:
    path = getattr(variable, "path", None) or variable.name
    return f"default_policy/{path}".removesuffix(":0")


def to_torch(config: dict[str, Any], obs_space: Any, action_space: Any) -> None:
    import torch

    merged = {**MODEL_DEFAULTS, **config}
    _, size = ModelCatalog.get_action_dist(action_space, merged, framework="tf2")
    old = ModelCatalog.get_model_v2(obs_space, action_space, size, merged, framework="tf2")
    for variable in old.variables():  # biases start at zero, and would hide a wrong place
        noise = np.random.default_rng(variable.shape[0]).normal(size=variable.shape) * 0.3
        variable.assign(noise.astype(np.float32))
    new = ModelCatalog.get_model_v2(obs_space, action_space, size, merged, framework="torch")
    report = transfer_weights(tf_arrays(old), new)
    assert report.matched == len(new.state_dict())
    lead = (B, T) if config.get("use_lstm") else (B,)
    obs = np.random.default_rng(1).uniform(-1, 1, (*lead, *obs_space.shape)).astype(np.float32)
    obs = obs.reshape(-1, *obs_space.shape)
    lens = tf.fill([B], T)
    states = [np.full((B, 5), 0.1 * i, np.float32) for i in (1, 2)] if len(lead) == 2 else []
    expected, after = old(
        {"obs": tf.convert_to_tensor(obs)},
        [tf.convert_to_tensor(s) for s in states],
        lens,
    )
    found, found_after = new(
        {"obs": torch.as_tensor(obs)},
        [torch.as_tensor(s) for s in states],
        torch.full((B,), T),
    )
    pairs = [(found, expected), (new.value_function(), old.value_function())]
    pairs += list(zip(found_after, after, strict=True)) if states else []
    for mine, theirs in pairs:
        scale = max(1.0, float(np.abs(np.asarray(theirs)).max()))
        error = np.abs(mine.detach().numpy() - np.asarray(theirs)).max() / scale
        assert error < 2e-6, error


IMAGE = gym.spaces.Box(0.0, 1.0, (42, 42, 3), np.float32)
TO_TORCH: dict[str, tuple[Any, Any, Any]] = {
    "fcnet": ({**SMALL, "vf_share_layers": True}, OBS, SPACES["discrete"]),
    "separate": ({**SMALL, "vf_share_layers": False}, OBS, SPACES["discrete"]),
    "free_log_std": ({**SMALL, "free_log_std": True}, OBS, SPACES["box"]),
    "lstm": (LSTM, OBS, SPACES["discrete"]),
    "vision": ({}, IMAGE, SPACES["discrete"]),
    "vision_separate": ({"vf_share_layers": False}, IMAGE, SPACES["discrete"]),
}


def check_unknown_tf_names_are_listed() -> None:
    import torch

    with pytest.raises(WeightsError, match="policy/mystery/kernel") as caught:
        transfer_weights({"policy/mystery/kernel": np.ones((2, 3))}, torch.nn.Linear(2, 3))
    assert "new weight (3, 2): no counterpart" in str(caught.value)


# ---- checkpoints of TF policies


def check_checkpoints_of_rays_tf2_policies() -> None:
    if not LEGACY_KERAS:
        return
    import torch
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_tf_policy import PPOTF2Policy

    from rlmigrate import convert_checkpoint

    for config, kind in (
        ({"fcnet_hiddens": [8, 6], "vf_share_layers": False}, "DefaultPPOTorchRLModule"),
        ({"fcnet_hiddens": [8], "vf_share_layers": True}, "DefaultPPOTorchRLModule"),
        ({**LSTM, "vf_share_layers": True}, "DefaultPPOTorchRLModule"),
    ):
        settings = PPOConfig().api_stack(
            enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
        )
        settings.framework("tf2").environment(
            observation_space=OBS, action_space=SPACES["discrete"]
        )
        settings.training(model=config)
        policy = PPOTF2Policy(OBS, SPACES["discrete"], settings.to_dict())
        with tempfile.TemporaryDirectory() as folder:
            policy.export_checkpoint(f"{folder}/old")
            report = convert_checkpoint(f"{folder}/old", f"{folder}/new")
            assert report.ok, report.policies[0].notes
            assert report.policies[0].module_class.endswith(kind), report.policies[0].notes
            module: Any = RLModule.from_checkpoint(f"{folder}/new")
        rows = np.random.default_rng(2).uniform(-1, 1, (100, 4)).astype(np.float32)
        # Not by policy.compute_actions, which fails on the states of TF2's LSTM.
        states = [tf.zeros((100, 5)) for _ in policy.model.get_initial_state()]
        inputs = {"obs": tf.convert_to_tensor(rows), "is_training": False}
        expected = np.asarray(policy.model(inputs, states, tf.ones(100, tf.int32))[0])
        batch: dict[str, Any] = {"obs": torch.as_tensor(rows)}
        if module.is_stateful():
            batch["obs"] = batch["obs"][:, None]
            batch["state_in"] = tree.map_structure(
                lambda s: torch.as_tensor(s)[None].repeat(100, *[1] * s.ndim),
                module.get_initial_state(),
            )
        logits = module.forward_inference(batch)["action_dist_inputs"].reshape(100, -1).numpy()
        assert np.abs(logits - expected).max() < 1e-6
        if not states:
            actions = policy.compute_actions(rows, explore=False)[0]
            assert np.array_equal(logits.argmax(1), np.asarray(actions))


def checks() -> dict[str, Callable[[], None]]:
    found: dict[str, Callable[[], None]] = {
        name.removeprefix("check_"): value
        for name, value in globals().items()
        if name.startswith("check_") and name not in ("check_ours", "check_rays")
    }
    for name in SPACES:
        for net, config in (("fcnet", SMALL), ("lstm", LSTM)):
            found[f"ours:{net}:{name}"] = functools.partial(check_ours, name, config)
            found[f"rays:{net}:{name}"] = functools.partial(check_rays, name, config)
    for name, arguments in TO_TORCH.items():
        found[f"to_torch:{name}"] = functools.partial(to_torch, *arguments)
    return found


if __name__ == "__main__":
    report(checks())
