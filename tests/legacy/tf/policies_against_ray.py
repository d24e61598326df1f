"""Compare our TF policies with Ray 2.60's; run by test_tf_policies.py, with legacy Keras.

Prints one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from checking import report
from gymnasium.spaces import Box, Discrete
from ray.rllib.models import ModelCatalog as RayCatalog
from ray.rllib.models.tf.tf_modelv2 import TFModelV2 as RayModel
from ray.rllib.policy import tf_mixins as ray_mixins
from ray.rllib.policy.eager_tf_policy_v2 import EagerTFPolicyV2 as RayPolicy
from ray.rllib.policy.sample_batch import SampleBatch as RayBatch
from ray.rllib.policy.tf_policy_template import build_tf_policy as ray_build_tf_policy
from ray.rllib.utils import tf_utils as ray_tf_utils
from ray.rllib.utils.framework import try_import_tf

from rlmigrate import ray_names
from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog
from rlmigrate.legacy.models.tf import FullyConnectedNetwork, TFModelV2
from rlmigrate.legacy.policies.tf import EagerTFPolicyV2, build_tf_policy
from rlmigrate.legacy.policies.tf import mixins as tf_mixins
from rlmigrate.legacy.utils.annotations import override

try_import_tf()
OBS = Box(-1.0, 1.0, (4,), np.float32)
ACTIONS = {"discrete": Discrete(3), "box": Box(-2.0, 3.0, (2,), np.float32)}
X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


def config(**model: Any) -> dict[str, Any]:
    more: dict[str, Any] = {"kl_coeff": 0.2, "kl_target": 0.01, "use_gae": True, "grad_clip": 0.5}
    return {
        **(more if model.pop("kl", False) else {}),
        "framework": "tf2",
        "eager_tracing": False,
        "explore": True,
        "normalize_actions": True,
        "lr": 0.01,
        "num_gpus": 0,
        "num_env_runners": 0,
        "worker_index": 0,
        "train_batch_size": 32,
        "_disable_preprocessor_api": False,
        "_disable_action_flattening": False,
        "in_evaluation": False,
        "output": None,
        "_tf_policy_handles_more_than_one_loss": False,
        "exploration_config": {"type": "StochasticSampling"},
        "model": {**MODEL_DEFAULTS, "fcnet_hiddens": [6], **model},
    }


def loss(policy: Any, model: Any, dist_class: Any, batch: Any) -> Any:
    inputs, _ = model(batch)
    logp = dist_class(inputs, model).logp(batch["actions"])
    value = model.value_function()
    return tf.reduce_mean(tf.square(value - tf.cast(batch["rewards"], tf.float32)) - logp)


def subclass(base: Any) -> Any:
    class Mine(base):  # type: ignore[misc]
        def __init__(self, obs: Any, act: Any, given: Any) -> None:
            base.__init__(self, obs, act, given)
            self.maybe_initialize_optimizer_and_loss()

        def loss(self, model: Any, dist_class: Any, train_batch: Any) -> Any:
            return loss(self, model, dist_class, train_batch)

        def stats_fn(self, train_batch: Any) -> dict[str, Any]:
            return {"mean": tf.reduce_mean(train_batch["rewards"])}

        def extra_action_out_fn(self) -> dict[str, Any]:
            return {"vf_preds": self.model.value_function()}

    return Mine


def hooked(base: Any) -> Any:
    catalog = ModelCatalog if base is EagerTFPolicyV2 else RayCatalog

    class Hooked(subclass(base)):  # type: ignore[misc]
        def make_model(self) -> Any:
            given = (self.action_space, self.config["model"])
            self.own_dist_class, size = catalog.get_action_dist(*given, framework="tf2")
            spaces = (self.observation_space, self.action_space)
            return catalog.get_model_v2(*spaces, size, given[1], framework="tf2")

        def action_distribution_fn(
            self, model: Any, *, obs_batch: Any, state_batches: Any, **kwargs: Any
        ) -> Any:
            inputs, states = model({"obs": obs_batch}, state_batches, kwargs.get("seq_lens"))
            return 2.0 * inputs, self.own_dist_class, states

        def compute_gradients_fn(self, optimizer: Any, loss: Any) -> Any:
            pairs = optimizer.compute_gradients(loss, self.model.trainable_variables())
            return [(tf.clip_by_norm(g, 0.1), v) for g, v in pairs if g is not None]

    return Hooked


def from_functions(build: Any, *, eager: bool) -> Any:
    built = build(
        "Built",
        loss_fn=loss,
        get_default_config=lambda: config(),
        stats_fn=lambda policy, batch: {"mean": tf.reduce_mean(batch["rewards"])},
        extra_action_out_fn=lambda policy: {"vf_preds": policy.model.value_function()},
        optimizer_fn=lambda policy, given: tf.keras.optimizers.Adam(0.02),
        compute_gradients_fn=lambda policy, optimizer, loss: optimizer.compute_gradients(
            loss, policy.model.trainable_variables()
        ),
    )
    return built.as_eager() if eager else built


def normed(base: Any) -> Any:
    """A policy whose model normalizes its batches: the averages move in training only."""
    ours = base is EagerTFPolicyV2

    class Normed(TFModelV2 if ours else RayModel):  # type: ignore[misc]
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.norm = tf.keras.layers.BatchNormalization(momentum=0.8, name="norm")
            self.both = tf.keras.layers.Dense(self.num_outputs + 1, name="both")
            self.both(self.norm(tf.zeros((1, 4))))

        def forward(self, input_dict: Any, state: Any, seq_lens: Any) -> Any:
            features = self.norm(input_dict["obs"], training=is_training(input_dict))
            out = self.both(tf.tanh(features))
            self._value = out[:, -1]
            return out[:, :-1], []

        def value_function(self) -> Any:
            return self._value

    def is_training(batch: Any) -> bool:
        return bool(getattr(batch, "is_training", batch.get("is_training", False)))

    (ModelCatalog if ours else RayCatalog).register_custom_model("normed", Normed)

    class Policy(subclass(base)):  # type: ignore[misc]
        def loss(self, model: Any, dist_class: Any, train_batch: Any) -> Any:
            # A dict of its own: Ray's models lose the flag of a SampleBatch, ours keep it.
            given = {"obs": train_batch["obs"], "is_training": train_batch.is_training}
            inputs, _ = model(given)
            logp = dist_class(inputs, model).logp(train_batch["actions"])
            rewards = tf.cast(train_batch["rewards"], tf.float32)
            return tf.reduce_mean(tf.square(model.value_function() - rewards) - logp)

    return Policy


def mixed(base: Any, mixins: Any) -> Any:
    """A policy with every mixin, whose loss depends on what they hold."""
    parts = ("LearningRateSchedule", "EntropyCoeffSchedule", "KLCoeffMixin", "ValueNetworkMixin")
    given = [getattr(mixins, name) for name in (*parts, "TargetNetworkMixin", "GradStatsMixin")]

    class Mixed(*given, base):  # type: ignore[misc]
        def __init__(self, obs: Any, act: Any, config: Any) -> None:
            base.__init__(self, obs, act, config)
            self.target_model = self.make_model()
            mixins.LearningRateSchedule.__init__(self, 0.01, [[0, 0.01], [100, 0.05]])
            mixins.EntropyCoeffSchedule.__init__(self, 0.3, 200)
            mixins.KLCoeffMixin.__init__(self, config)
            mixins.ValueNetworkMixin.__init__(self, config)
            mixins.GradStatsMixin.__init__(self)
            self.maybe_initialize_optimizer_and_loss()
            mixins.TargetNetworkMixin.__init__(self)

        def loss(self, model: Any, dist_class: Any, train_batch: Any) -> Any:
            inputs, _ = model(train_batch)
            entropy = tf.reduce_mean(dist_class(inputs, model).entropy())
            usual = loss(self, model, dist_class, train_batch)
            return usual * self.kl_coeff - self.entropy_coeff * entropy

        def compute_gradients_fn(self, optimizer: Any, loss: Any) -> Any:
            return mixins.compute_gradients(self, optimizer, loss)

    return Mixed


def check_mixins(ours: Any, theirs: Any, action_space: Any) -> None:
    data = rows()
    data["actions"] = np.stack([action_space.sample() for _ in range(32)])
    ours.set_weights(theirs.get_weights())
    for step in range(3):
        for policy in (ours, theirs):
            policy.update_target(tau=0.5)
            policy.update_kl((5.0, 0.0001, 0.01)[step])
            policy.on_global_var_update({"timestep": 40 * step, "num_grad_updates": step})
        for what in ("cur_lr", "entropy_coeff", "kl_coeff", "kl_coeff_val"):
            same(getattr(ours, what), getattr(theirs, what), what)
        a, b = (p.learn_on_batch(c(data)) for p, c in ((ours, SampleBatch), (theirs, RayBatch)))
        same(a["grad_gnorm"], b["grad_gnorm"], "norm of the gradients")
        same(ours.get_weights(), theirs.get_weights(), f"weights after step {step}", 5e-6)
        left, right = ours.target_model.variables(), theirs.target_model.variables()
        same([v.numpy() for v in left], [v.numpy() for v in right], "target's weights", 5e-6)
    row = {"obs": X[:1]}
    same(float(ours._value(**row)), float(theirs._value(**row)), "value")
    same(float(ours._value(X[0], 0, 0.0)), float(theirs._value(**row)), "value of columns")
    extra = [p.compute_actions(X, explore=False)[2]["vf_preds"] for p in (ours, theirs)]
    same(extra[0], extra[1], "vf_preds")
    assert ours.get_state()["current_kl_coeff"] == theirs.get_state()["current_kl_coeff"] != 0.2
    again = type(ours)(OBS, action_space, config(kl=True))
    again.set_state(ours.get_state())
    assert float(again.kl_coeff) == float(ours.kl_coeff)


def check_averages_move(action_space: Any) -> None:
    """The model sees that a whole SampleBatch is for training, as it does not with Ray."""
    policy = normed(EagerTFPolicyV2)(OBS, action_space, config(custom_model="normed"))
    averages = policy.model.norm.moving_mean
    before = averages.numpy().copy()
    policy.compute_actions(X)
    assert np.array_equal(averages, before)
    batch = SampleBatch(obs=X)
    batch.set_training(True)
    policy.model(batch)
    np.testing.assert_allclose(averages, 0.8 * before + 0.2 * X.mean(0), rtol=1e-5, atol=1e-6)


def check_static(action_space: Any) -> None:
    """What is built on placeholders may be defined, and says what to do when it is built."""
    with ray_names(ray=False):
        from ray.rllib.policy.dynamic_tf_policy import DynamicTFPolicy
        from ray.rllib.policy.tf_policy import TFPolicy

    for base in (TFPolicy, DynamicTFPolicy):

        class Mine(base):  # type: ignore[misc, valid-type]
            @override(base)
            def optimizer(self) -> Any:
                """A method of Ray's class."""

        with pytest.raises(LegacyError, match=r"Mine is built from placeholders.*build_tf_policy"):
            Mine(OBS, action_space, {})


def check_helpers() -> None:
    """Helpers of losses are Ray's, under Ray's names."""
    with ray_names(ray=False):
        from ray.rllib.algorithms.sac.sac_tf_model import SACTFModel
        from ray.rllib.utils import tf_utils
    assert SACTFModel.__module__.startswith("rlmigrate.legacy.models.tf")
    assert EagerTFPolicyV2.with_tracing() is EagerTFPolicyV2
    x = tf.constant(np.random.default_rng(2).normal(size=(6, 3)).astype(np.float32)) * 3
    masked = tf.where(x > 2, tf.float32.min, x)
    for name, given in (
        ("explained_variance", (x[:, 0], x[:, 1])),
        ("huber_loss", (x, 0.7)),
        ("l2_loss", (x,)),
        ("reduce_mean_ignore_inf", (masked,)),
        ("reduce_mean_ignore_inf", (masked, 0)),
    ):
        same(getattr(tf_utils, name)(*given), getattr(ray_tf_utils, name)(*given), name)


def check_update_ops(action_space: Any) -> None:
    """What a model lists runs with each update of the weights, and at no other time."""
    calls: list[int] = []

    class Counting(FullyConnectedNetwork):
        def update_ops(self) -> list[Any]:
            return [lambda: calls.append(1), tf.constant(0)]

    ModelCatalog.register_custom_model("counting", Counting)
    policy = subclass(EagerTFPolicyV2)(OBS, action_space, config(custom_model="counting"))
    policy.compute_actions(X)
    assert calls == []
    for steps in (1, 2):
        data = {**rows(), "actions": np.stack([action_space.sample() for _ in range(32)])}
        policy.learn_on_batch(SampleBatch(data))
        assert len(calls) == steps


def rows() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "obs": rng.normal(size=(32, 4)).astype(np.float32),
        "rewards": rng.normal(size=32).astype(np.float32),
    }


def same(ours: Any, theirs: Any, what: str, tolerance: float = 1e-6) -> None:
    a, b = tf.nest.flatten(ours), tf.nest.flatten(theirs)
    assert len(a) == len(b), f"{what}: {len(a)} and {len(b)} parts"
    for left, right in zip(a, b, strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance, err_msg=what)


def check(ours: Any, theirs: Any, action_space: Any, *, recurrent: bool = False) -> None:
    ours.set_weights(theirs.get_weights())
    for explore in (False, True):
        found = []
        for policy, batch in ((ours, SampleBatch), (theirs, RayBatch)):
            columns: dict[str, Any] = {"obs": X}
            if recurrent:
                states = [np.full((5, len(s)), 0.1, np.float32) for s in theirs.get_initial_state()]
                columns |= {f"state_in_{i}": s for i, s in enumerate(states)}
            tf.random.set_seed(3)
            found.append(policy.compute_actions_from_input_dict(batch(columns), explore=explore))
        assert found[0][2].keys() == found[1][2].keys(), (found[0][2].keys(), found[1][2].keys())
        same(found[0], found[1], f"actions, explore={explore}")
    if recurrent:
        single = ours.compute_single_action(X[0], ours.get_initial_state(), explore=False)
        states = [np.zeros((1, len(s)), np.float32) for s in ours.get_initial_state()]
        same(single[1], [s[0] for s in ours.compute_actions(X[:1], states, explore=False)[1]], "")
        return
    tf.random.set_seed(3)
    first = ours.compute_actions(X)
    tf.random.set_seed(3)
    same(first, theirs.compute_actions(X), "compute_actions")
    actions = np.stack([action_space.sample() for _ in X])
    data = rows()
    data["actions"] = np.stack([action_space.sample() for _ in range(32)])
    for step in range(2):
        a, b = (p.learn_on_batch(c(data)) for p, c in ((ours, SampleBatch), (theirs, RayBatch)))
        same(a["learner_stats"], b["learner_stats"], "stats")
        assert a["num_grad_updates_lifetime"] == b["num_grad_updates_lifetime"] == step + 1
        same(ours.get_weights(), theirs.get_weights(), "weights after a step", 2e-6)
    again = type(ours)(OBS, action_space, {**config(), "model": dict(ours.config["model"])})
    again.set_state(ours.get_state())
    same(again.get_weights(), ours.get_weights(), "state", 0)
    logp = ours.compute_log_likelihoods(actions, X)
    inputs, _ = ours.model({"obs": tf.constant(X)}, [], None)
    scale = 2.0 if type(ours).__name__ == "Hooked" else 1.0
    wanted = ours.dist_class(scale * inputs, ours.model).logp(actions)
    same(logp, wanted, "log-likelihoods", 0)
    if scale == 1.0:  # Ray hands its action_distribution_fn one argument too many
        same(logp, theirs.compute_log_likelihoods(actions, X), "Ray's log-likelihoods")


def checks() -> Iterator[tuple[str, Callable[[], None]]]:
    """Each kind of policy on each kind of actions, ours against Ray's."""
    policies: dict[str, Callable[[Any], Any]] = {
        "subclass": lambda space: (
            subclass(EagerTFPolicyV2)(OBS, space, config()),
            subclass(RayPolicy)(OBS, space, config()),
        ),
        "hooked": lambda space: (
            hooked(EagerTFPolicyV2)(OBS, space, config()),
            hooked(RayPolicy)(OBS, space, config()),
        ),
        "built": lambda space: (
            from_functions(build_tf_policy, eager=False)(OBS, space, config()),
            from_functions(ray_build_tf_policy, eager=True)(OBS, space, config()),
        ),
    }
    for name, space in ACTIONS.items():
        for kind, build in policies.items():
            yield f"{kind}:{name}", partial(lambda made, at: check(*made(at), at), build, space)
        yield f"batch_norm:{name}", partial(check_batch_norm, space)
        yield f"mixins:{name}", partial(check_mixed, space)
        yield f"lstm:{name}", partial(check_lstm, space)
        yield f"update_ops:{name}", partial(check_update_ops, space)
        yield f"static:{name}", partial(check_static, space)
    yield "helpers", check_helpers


def check_batch_norm(space: Any) -> None:
    check_averages_move(space)
    settings = config(custom_model="normed")
    ours, theirs = (normed(base)(OBS, space, settings) for base in (EagerTFPolicyV2, RayPolicy))
    check(ours, theirs, space)


def check_mixed(space: Any) -> None:
    ours = mixed(EagerTFPolicyV2, tf_mixins)(OBS, space, config(kl=True))
    theirs = mixed(RayPolicy, ray_mixins)(OBS, space, config(kl=True))
    check_mixins(ours, theirs, space)


def check_lstm(space: Any) -> None:
    ours, theirs = (
        type("Acting", (base,), {})(OBS, space, config(use_lstm=True, lstm_cell_size=3))
        for base in (EagerTFPolicyV2, RayPolicy)
    )
    check(ours, theirs, space, recurrent=True)


if __name__ == "__main__":
    report(dict(checks()))
