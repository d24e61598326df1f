"""Checks of wrapped TF models' distributions; run by test_wrapped_tf_distributions.py.

Prints one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

import os
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
import tree
from checking import checks_in, report

from rlmigrate import wrap_model
from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.distributions import tf as legacy
from rlmigrate.legacy.models.tf import FullyConnectedNetwork
from rlmigrate.new_stack import RLModuleSpec

LEGACY_KERAS = os.environ["TF_USE_LEGACY_KERAS"] == "1"
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
BOX = gym.spaces.Box(-1, 1, (3,))
PARTS = gym.spaces.Dict({"a": gym.spaces.Discrete(2), "b": gym.spaces.Box(-1, 1, (2,))})


class Wide(legacy.Beta):
    """A Beta over a range of its own, as users write them."""

    def __init__(self, inputs: Any, model: Any) -> None:
        super().__init__(inputs, model, low=-1.0, high=1.0)


class Keyed(legacy.Categorical):
    """A distribution whose sampled log-probability is one that `logp` does not give."""

    def sampled_action_logp(self) -> Any:
        return super().sampled_action_logp() - 7.0


#: name: (class, action space)
CASES: dict[str, tuple[Any, gym.Space[Any]]] = {
    "beta": (legacy.Beta, BOX),
    "users_beta": (Wide, BOX),
    "dirichlet": (legacy.Dirichlet, gym.spaces.Box(0, 1, (3,))),
    "squashed": (legacy.SquashedGaussian, BOX),
    "cold": (legacy.get_categorical_class_with_temperature(0.5), gym.spaces.Discrete(3)),
    "deterministic": (legacy.Deterministic, BOX),
}
INTEGERS = ("cold",)


def build(dist: Any, space: gym.Space[Any], **config: Any) -> Any:
    return RLModuleSpec(
        module_class=wrap_model(FullyConnectedNetwork),
        observation_space=OBS,
        action_space=space,
        model_config={"fcnet_hiddens": [5], "custom_action_dist": dist, **config},
    ).build()


def equal(found: Any, expected: Any) -> None:
    tree.map_structure(
        lambda a, b: np.testing.assert_array_equal(np.asarray(a), np.asarray(b)), found, expected
    )


def same_numbers(module: Any, dist: Any) -> None:
    rows = tf.constant(np.random.default_rng(0).uniform(-1, 1, (6, 4)).astype(np.float32))
    logits = module.forward_train({"obs": rows})["action_dist_inputs"]
    cls = module.get_train_action_dist_cls()
    tf.random.set_seed(5)
    old = dist(logits, module.legacy_model)
    tf.random.set_seed(5)
    new = cls.from_logits(logits)
    equal(new.sample(), old.sample())
    equal(new.sample(), old.sample())
    equal(new.logp(new.sample()), old.sampled_action_logp())
    moved = tree.map_structure(tf.identity, new.sample())
    equal(new.logp(moved), old.logp(old.sample()))
    equal(new.to_deterministic().sample(), old.deterministic_sample())
    for name in ("entropy", "kl"):
        other = [cls.from_logits(logits * 0.5)] if name == "kl" else []
        theirs = [dist(logits * 0.5, None)] if name == "kl" else []
        try:
            expected = getattr(old, name)(*theirs)
        except (ValueError, NotImplementedError, AttributeError) as error:
            with pytest.raises(type(error)):
                getattr(new, name)(*other)
        else:
            equal(getattr(new, name)(*other), expected)


def check_custom_distributions_keep_their_numbers(name: str) -> None:
    dist, space = CASES[name]
    same_numbers(build(dist, space), dist)


def check_many_samples_and_sequences(name: str) -> None:
    dist, space = CASES[name]
    module = build(dist, space)
    logits = module.forward_train({"obs": tf.ones((2, 3, 4))})["action_dist_inputs"]
    new = module.get_train_action_dist_cls().from_logits(logits)
    single = tuple(new.sample().shape)
    assert single[:2] == (2, 3)
    many = new.sample(sample_shape=(4, 2))
    assert tuple(many.shape) == (4, 2, *single)
    assert name == "deterministic" or not np.array_equal(many[0], many[1])
    assert new.logp(many).shape == (4, 2, *new.logp(new.sample()).shape)
    equal(new.logp(many)[3, 1], new.logp(many[3, 1]))


def check_gradients_flow_through_rsample_only(name: str) -> None:
    dist, space = CASES[name]
    module = build(dist, space)
    logits = module.forward_train({"obs": tf.ones((2, 4))})["action_dist_inputs"]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        new = module.get_train_action_dist_cls().from_logits(logits)
        stopped = tf.reduce_sum(tf.cast(new.sample(), tf.float32))
        if name in INTEGERS:
            with pytest.raises(NotImplementedError, match="reparameterized"):
                new.rsample()
            flowing = None
        else:
            flowing = tf.reduce_sum(new.rsample() * tf.constant([1.0, 2.0, 3.0]))
    assert tape.gradient(stopped, logits) is None
    if flowing is not None:
        assert np.any(np.asarray(tape.gradient(flowing, logits)))


def check_what_a_distribution_says_of_its_sample_counts() -> None:
    module = build(Keyed, gym.spaces.Discrete(3))
    logits = module.forward_train({"obs": tf.ones((2, 4))})["action_dist_inputs"]
    new = module.get_train_action_dist_cls().from_logits(logits)
    sample = new.sample()
    np.testing.assert_allclose(new.logp(sample), new.logp(tf.identity(sample)) - 7.0)


def check_nested_actions_many_times() -> None:
    module = RLModuleSpec(
        module_class=wrap_model(FullyConnectedNetwork),
        observation_space=OBS,
        action_space=PARTS,
        model_config={"fcnet_hiddens": [5]},
    ).build()
    logits = module.forward_train({"obs": tf.ones((3, 4))})["action_dist_inputs"]
    new = module.get_train_action_dist_cls().from_logits(logits)
    many = new.sample(sample_shape=(5,))
    assert many["a"].shape == (5, 3)
    assert many["b"].shape == (5, 3, 2)
    assert new.logp(many).shape == (5, 3)
    one = tree.map_structure(lambda leaf: leaf[2], many)
    equal(new.logp(many)[2], new.logp(one))
    columns = [tf.cast(one["a"], tf.float32)[:, None], one["b"]]
    equal(new.logp(tf.concat(columns, axis=1)), new.logp(one))


def check_registered_names_and_rays_classes() -> None:
    ModelCatalog.register_custom_action_dist("wide", Wide)
    same_numbers(build("wide", BOX), Wide)
    if not LEGACY_KERAS:
        return
    from ray.rllib.models.catalog import ModelCatalog as RaysCatalog
    from ray.rllib.models.tf.fcnet import FullyConnectedNetwork as RaysNet
    from ray.rllib.models.tf.tf_action_dist import Dirichlet

    RaysCatalog.register_custom_action_dist("shares", Dirichlet)
    module = RLModuleSpec(
        module_class=wrap_model(RaysNet, stack="builtin"),
        observation_space=OBS,
        action_space=gym.spaces.Box(0, 1, (3,)),
        model_config={"fcnet_hiddens": [5], "custom_action_dist": "shares"},
    ).build()
    same_numbers(module, Dirichlet)


if __name__ == "__main__":
    report(checks_in(globals(), CASES))
