"""Checks of wrapped SAC models in TF; run by test_wrapped_tf_sac.py, a Keras each.

The oracle is the loss of Ray 2.60's SAC, which keeps what it computes on the policy, run on the
same model: Ray's (legacy Keras) or ours, which tests/legacy compares with Ray's (Keras 3). Prints
one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

import copy
import os
import pickle
import tempfile
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from checking import checks_in, report
from ray.rllib.algorithms.sac.sac_tf_policy import sac_actor_critic_loss

from rlmigrate import wrap_model
from rlmigrate.errors import ModuleError, WrapError
from rlmigrate.legacy.distributions import tf as distributions
from rlmigrate.new_stack import QNetAPI, RLModule, RLModuleSpec, TargetNetworkAPI

if os.environ["TF_USE_LEGACY_KERAS"] == "1":
    from ray.rllib.algorithms.sac.sac_tf_model import SACTFModel
    from ray.rllib.models.tf.tf_modelv2 import TFModelV2
else:
    from rlmigrate.legacy.models.tf import TFModelV2
    from rlmigrate.legacy.models.tf.sac_model import SACTFModel

tf.compat.v1.enable_eager_execution()  # importing RLlib's TF code switches it off
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
NESTED = gym.spaces.Dict({"kind": gym.spaces.Discrete(3), "place": OBS})
BOX, DISCRETE = gym.spaces.Box(-2, 2, (2,), np.float32), gym.spaces.Discrete(3)
N = 20
Wrapped = wrap_model(SACTFModel, name="Wrapped")  # found by its name in checkpoints


class Wide(SACTFModel):  # type: ignore[misc, valid-type]
    """A custom SAC model: another policy net."""

    def build_policy_model(
        self, obs_space: Any, num_outputs: Any, policy_model_config: Any, name: str
    ) -> Any:
        wider = {**policy_model_config, "fcnet_hiddens": [9]}
        return super().build_policy_model(obs_space, num_outputs, wider, name)


#: name: (model class, action space, settings)
CASES: dict[str, tuple[type, gym.Space[Any], dict[str, Any]]] = {
    "box": (SACTFModel, BOX, {}),
    "one_critic": (SACTFModel, BOX, {"twin_q": False}),
    "not_normalized": (SACTFModel, BOX, {"normalize_actions": False}),
    "beta": (SACTFModel, BOX, {"_use_beta_distribution": True}),
    "discrete": (SACTFModel, DISCRETE, {}),
    "custom": (Wide, BOX, {}),
    "default": (TFModelV2, BOX, {}),
}
SMALL = {
    "policy_model_config": {"fcnet_hiddens": [8, 6]},
    "q_model_config": {"fcnet_hiddens": [7]},
}


def build(name: str, obs: gym.Space[Any] = OBS) -> Any:
    model_class, space, settings = CASES[name]
    module = RLModuleSpec(
        module_class=wrap_model(model_class, role="sac", name="Wrapped"),
        observation_space=obs,
        action_space=space,
        model_config={**SMALL, **settings},
    ).build()
    rng = np.random.default_rng(0)
    for variable in module.weights:
        variable.assign(0.5 * rng.normal(size=variable.shape).astype(np.float32))
    return module


def batch_of(space: gym.Space[Any]) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    continuous = rng.uniform(-0.9, 0.9, (N, 2)).astype(np.float32)
    return {
        "obs": rng.uniform(-1, 1, (N, 4)).astype(np.float32),
        "new_obs": rng.uniform(-1, 1, (N, 4)).astype(np.float32),
        "actions": rng.integers(0, 3, N) if space is DISCRETE else continuous,
        "rewards": rng.normal(size=N).astype(np.float32),
        "terminateds": rng.integers(0, 2, N).astype(bool),
        "weights": np.ones(N, np.float32),
    }


def rays_loss(name: str, module: Any, batch: dict[str, Any]) -> Any:
    """Run Ray's loss on the wrapped model and its target; give the policy it wrote into."""
    _, space, settings = CASES[name]
    policy: Any = SimpleNamespace(
        config={
            "_deterministic_loss": False,
            "twin_q": settings.get("twin_q", True),
            "gamma": 0.9,
            "n_step": 1,
        },
        action_space=space,
        model=module.legacy_model,
        target_model=module._wrap_target(),
        _get_is_training_placeholder=lambda: True,
        dist_class=distributions.SquashedGaussian,
    )
    if settings.get("_use_beta_distribution"):
        policy.dist_class = distributions.Beta
    if not settings.get("normalize_actions", True):
        policy.dist_class = distributions.DiagGaussian
    tensors = {key: tf.constant(value) for key, value in batch.items()}
    sac_actor_critic_loss(policy, module.legacy_model, None, tensors)
    return policy


def check_training_outputs_are_those_of_rays_loss(name: str) -> None:
    module = build(name)
    assert isinstance(module, QNetAPI)
    assert isinstance(module, TargetNetworkAPI)
    assert len(module.named_variables()) == len(module.weights) > 8
    module.make_target_networks()
    for variable in module.weights:
        variable.assign_add(0.05 * tf.ones_like(variable))
    batch = batch_of(CASES[name][1])
    tf.random.set_seed(4)
    policy = rays_loss(name, module, batch)
    tf.random.set_seed(4)
    outs = module.forward_train(batch)
    model = module.legacy_model
    if name == "discrete":
        equal(outs["action_probs"], policy.policy_t)
        equal(tf.exp(outs["action_log_probs"]), policy.policy_t)
        soft = outs["q_target_next"] - model.alpha * outs["action_log_probs_next"]
        after = tf.reduce_sum(outs["action_probs_next"] * soft, axis=-1)
        chosen = [
            tf.gather(outs[key], batch["actions"], batch_dims=1)
            for key in ("qf_preds", "qf_twin_preds")
        ]
    else:
        entropies = outs["logp_resampled"] + model.target_entropy
        near(-tf.reduce_mean(model.log_alpha * entropies), policy.alpha_loss)
        alpha = model.alpha  # Ray's model computes it once, when it is built
        actor = tf.reduce_mean(alpha * outs["logp_resampled"] - outs["q_curr"])
        near(actor, policy.actor_loss)
        after = outs["q_target_next"] - alpha * outs["logp_next_resampled"]
        chosen = [outs[key] for key in ("qf_preds", "qf_twin_preds") if key in outs]
        assert ("qf_twin_preds" in outs) == (name != "one_critic")
    wanted = batch["rewards"] + 0.9 * (1.0 - batch["terminateds"]) * np.asarray(after)
    errors = [np.abs(np.asarray(each) - wanted) for each in chosen]
    near(np.mean(errors, axis=0), policy.td_error)
    equal(outs["qf_preds"] if name == "discrete" else outs["qf_preds"][:, None], policy.q_t)


def equal(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def near(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-5, atol=1e-5)


def check_acting_runs_the_policy_net(name: str) -> None:
    module, batch = build(name), batch_of(CASES[name][1])
    model = module.legacy_model
    features, _ = model({"obs": tf.constant(batch["obs"])}, [], None)
    expected, _ = model.get_action_model_outputs(features)
    for forward in (module.forward_inference, module.forward_exploration):
        equal(forward(batch)["action_dist_inputs"], expected)
    dist = module.get_exploration_action_dist_cls().from_logits(expected)
    actions = dist.sample()
    assert tuple(actions.shape) == ((N,) if name == "discrete" else (N, 2))
    assert dist.logp(actions).shape == (N,)
    if name not in ("discrete", "not_normalized"):
        low = 0.0 if name == "beta" else -1.0
        assert np.asarray(actions).min() >= low
        assert np.asarray(actions).max() <= 1.0


def check_gradients_of_the_policys_loss_leave_the_critics() -> None:
    module, batch = build("box"), batch_of(BOX)
    module.make_target_networks()
    with tf.GradientTape(persistent=True) as tape:
        outs = module.forward_train(batch)
        policy_loss = tf.reduce_mean(outs["q_curr"])
        critic_loss = tf.reduce_mean(outs["qf_preds"] ** 2 + outs["qf_twin_preds"] ** 2)
        target = tf.reduce_mean(outs["q_target_next"])
    pi, critics = module.pi.trainable_variables(), module.qf.trainable_variables()
    critics = [*critics, *module.qf_twin.trainable_variables()]
    assert all(np.any(g) for g in tape.gradient(policy_loss, pi)[:4])
    assert not any(g is not None and np.any(g) for g in tape.gradient(policy_loss, critics))
    assert all(g is not None for g in tape.gradient(critic_loss, critics)[:4])
    everything = module.trainable_variables
    assert all(g is None for g in tape.gradient(target, everything))
    # The same gradient as that of Ray's loss, which lets the critics be reached.
    model = module.legacy_model
    with tf.GradientTape() as plain:
        tf.random.set_seed(2)
        features, _ = model({"obs": tf.constant(batch["obs"])}, [], None)
        dist = distributions.SquashedGaussian(model.get_action_model_outputs(features)[0], model)
        values = tf.minimum(
            model.get_q_values(features, dist.sample())[0],
            model.get_twin_q_values(features, dist.sample())[0],
        )
        loss = tf.reduce_mean(values)
    with tf.GradientTape() as again:
        tf.random.set_seed(2)
        same = tf.reduce_mean(module.forward_train(batch)["q_curr"])
    for mine, theirs in zip(again.gradient(same, pi), plain.gradient(loss, pi), strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            near(mine, theirs)


def check_targets_are_asked_for_and_named_in_pairs() -> None:
    module = build("box")
    with pytest.raises(ModuleError, match="make_target_networks"):
        module.forward_target(batch_of(BOX))
    module.make_target_networks()
    pairs = module.get_target_network_pairs()
    assert len(pairs) == 2
    for net, target in pairs:
        assert net is not target
        for mine, theirs in zip(net.variables(), target.variables(), strict=True):
            equal(mine, theirs)


def check_copies_and_checkpoints_keep_targets() -> None:
    module, batch = build("box"), batch_of(BOX)
    module.make_target_networks()
    for variable in module.weights:
        variable.assign_add(0.05 * tf.ones_like(variable))
    expected = module.forward_inference(batch)["action_dist_inputs"]
    target = module.forward_target(batch)
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        equal(twin.forward_inference(batch)["action_dist_inputs"], expected)
        equal(twin.forward_target(batch), target)
    with tempfile.TemporaryDirectory() as folder:
        module.save_to_path(f"{folder}/module")
        names = {f"{__name__}.Wrapped": Wrapped}
        restored: Any = RLModule.from_checkpoint(f"{folder}/module", module_classes=names)
        equal(restored.forward_inference(batch)["action_dist_inputs"], expected)
        again = build("box")
        again.make_target_networks()
        again.restore_from_path(f"{folder}/module")
        equal(again.forward_target(batch), target)


def check_nested_observations_are_preprocessed() -> None:
    module = build("box", NESTED)
    rows = [NESTED.sample() for _ in range(5)]
    obs = {key: np.stack([row[key] for row in rows]) for key in ("kind", "place")}
    outs = module.forward_inference({"obs": obs})["action_dist_inputs"]
    one_hot = np.eye(3, dtype=np.float32)[obs["kind"]]
    flat = tf.constant(np.concatenate([one_hot, obs["place"]], axis=1))
    equal(outs, module.legacy_model.action_model({"obs": flat}, [], None)[0])


def check_what_no_module_can_be_made_of_is_refused() -> None:
    with pytest.raises(WrapError, match='stack="builtin"'):
        wrap_model(SACTFModel, stack="ray")
    with pytest.raises((NotImplementedError, AssertionError), match=r"MultiDiscrete|^$"):
        RLModuleSpec(
            module_class=wrap_model(SACTFModel),
            observation_space=OBS,
            action_space=gym.spaces.MultiDiscrete([2, 2]),
            model_config={},
        ).build()


if __name__ == "__main__":
    report(checks_in(globals(), CASES))
