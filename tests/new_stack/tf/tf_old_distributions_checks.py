"""Checks of the old-only TF distributions; run by test_tf_old_distributions.py, a Keras each.

The numbers are those of Ray 2.60's TF classes, recorded with tensorflow_probability, and those of
our legacy classes. Prints one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

import copy
import functools
import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from checking import checks_in, report
from gymnasium.spaces import Box, Discrete

from rlmigrate.legacy.distributions import tf as legacy
from rlmigrate.new_stack import RLModuleSpec
from rlmigrate.new_stack import distributions as in_torch
from rlmigrate.new_stack.tf import (
    DefaultPPOTfRLModule,
    TfBeta,
    TfCategorical,
    TfCategoricalWithTemperature,
    TfDirichlet,
    TfMultiDistribution,
    TfOldSquashedGaussian,
    dist_cls_for,
    integer_box_dist_cls,
)

GOLDEN = np.load(Path(__file__).parents[3] / "fixtures/golden/tf_distributions/ray_2_60.npz")
VECTOR = Box(-1, 1, (3,))
INTEGERS = Box(-1, 3, (2, 2), np.int32)
BOUNDS = {"low": -2.0, "high": 0.5}

#: name: (new class, legacy class, torch class, action space)
CASES: dict[str, tuple[Any, Any, Any, gym.Space[Any]]] = {
    "beta": (TfBeta, legacy.Beta, in_torch.TorchBeta, VECTOR),
    "stretched_beta": (
        TfBeta.get_partial_dist_cls(low=-2.0, high=3.0),
        functools.partial(legacy.Beta, low=-2.0, high=3.0),
        in_torch.TorchBeta.get_partial_dist_cls(low=-2.0, high=3.0),
        VECTOR,
    ),
    "dirichlet": (TfDirichlet, legacy.Dirichlet, in_torch.TorchDirichlet, Box(0, 1, (4,))),
    "cold": (
        TfCategoricalWithTemperature.get_partial_dist_cls(temperature=0.5),
        functools.partial(legacy.Categorical, temperature=0.5),
        in_torch.TorchCategoricalWithTemperature.get_partial_dist_cls(temperature=0.5),
        Discrete(4),
    ),
    "squashed": (
        TfOldSquashedGaussian,
        legacy.SquashedGaussian,
        in_torch.TorchOldSquashedGaussian,
        VECTOR,
    ),
    "squashed_bounds": (
        TfOldSquashedGaussian.get_partial_dist_cls(**BOUNDS),
        functools.partial(legacy.SquashedGaussian, **BOUNDS),
        in_torch.TorchOldSquashedGaussian.get_partial_dist_cls(**BOUNDS),
        VECTOR,
    ),
    "integer_box": (
        integer_box_dist_cls(INTEGERS),
        functools.partial(legacy.MultiCategorical, input_lens=[5] * 4, action_space=INTEGERS),
        in_torch.integer_box_dist_cls(INTEGERS),
        INTEGERS,
    ),
}
INTEGER_ACTIONS = ("cold", "integer_box")


def near(mine: Any, theirs: Any, tolerance: float = 1e-6) -> None:
    """Compare to float32's rounding: absolutely up to 1, relatively above."""
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    assert mine.shape == theirs.shape, (mine.shape, theirs.shape)
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


def made(name: str, which: str = "inputs") -> Any:
    return CASES[name][0].from_logits(tf.constant(GOLDEN[f"{name}|{which}"]))


def near_the_middle(name: str) -> Any:
    """Inputs of small size: near its bounds, float32's atanh is mostly rounding."""
    return GOLDEN[f"{name}|inputs"] * np.float32(0.2)


def check_rays_numbers(name: str) -> None:
    cls, _, _, space = CASES[name]
    mine, actions = made(name), tf.constant(GOLDEN[f"{name}|actions"])
    assert cls.required_input_dim(space=space) == GOLDEN[f"{name}|inputs"].shape[1]
    near(mine.to_deterministic().sample(), GOLDEN[f"{name}|best"])
    # 1e-6 where it was recorded; sums of large lgammas leave other processors fewer digits.
    loose = 1e-5 if name in ("beta", "stretched_beta", "dirichlet") else 2e-6
    near(mine.logp(actions), GOLDEN[f"{name}|logp"], loose)
    if "squashed" in name:
        for ask in (mine.entropy, lambda: mine.kl(mine)):
            with pytest.raises(ValueError, match="has no"):
                ask()
        return
    near(mine.entropy(), GOLDEN[f"{name}|entropy"], loose)
    near(mine.kl(made(name, "others")), GOLDEN[f"{name}|kl"], loose)


def check_legacy_numbers_and_samples_of_one_seed(name: str) -> None:
    inputs = tf.constant(GOLDEN[f"{name}|inputs"])
    tf.random.set_seed(3)
    theirs = CASES[name][1](inputs, None)
    tf.random.set_seed(3)
    mine = made(name)
    sample = mine.sample()
    near(sample, theirs.sample(), 0.0)
    near(mine.logp(sample), theirs.sampled_action_logp())
    near(mine.to_deterministic().sample(), theirs.deterministic_sample())
    near(mine.to_deterministic().logp(sample), np.zeros(7, np.float32))


def check_shapes_of_samples_and_sequences(name: str) -> None:
    inputs = tf.constant(near_the_middle(name))
    flat = CASES[name][0].from_logits(inputs)
    single = tuple(flat.sample().shape)
    many = flat.sample(sample_shape=(5, 2))
    assert tuple(many.shape) == (5, 2, *single)
    assert not np.array_equal(many[0], many[1])
    assert flat.logp(many).shape == (5, 2, 7)
    near(flat.logp(many)[3, 1], flat.logp(many[3, 1]))
    timed = CASES[name][0].from_logits(tf.stack([inputs, inputs[::-1]]))
    actions = timed.sample()
    assert tuple(actions.shape) == (2, *single)
    near(timed.logp(actions)[0], flat.logp(actions[0]))
    near(timed.to_deterministic().sample()[0], flat.to_deterministic().sample())
    assert timed.to_deterministic().logp(actions).shape == (2, 7)


def check_samples_spread_as_in_torch(name: str) -> None:
    """The means of many samples, and of their log-probabilities (negative entropies)."""
    import torch

    torch.manual_seed(0)
    tf.random.set_seed(0)
    mine = CASES[name][0].from_logits(tf.constant(near_the_middle(name)))
    peer = CASES[name][2].from_logits(torch.tensor(near_the_middle(name)))
    samples, others = mine.sample(sample_shape=(4000,)), peer.sample(sample_shape=(4000,))
    mean = np.asarray(samples).mean(0, dtype=np.float64)
    np.testing.assert_allclose(mean, others.double().mean(0), atol=0.12)
    logp, other_logp = np.asarray(mine.logp(samples)), peer.logp(others).double()
    np.testing.assert_allclose(logp.mean(0, dtype=np.float64), other_logp.mean(0), atol=0.15)


def check_gradients_reach_the_inputs_through_samples(name: str) -> None:
    inputs = tf.constant(GOLDEN[f"{name}|inputs"])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        dist = CASES[name][0].from_logits(inputs)
        stopped = tf.reduce_sum(tf.cast(dist.sample(), tf.float32))
        drawn, logp = dist.rsample_and_logp() if name not in INTEGER_ACTIONS else (None, None)
        loss = None if drawn is None else tf.reduce_sum(drawn) + tf.reduce_sum(logp)
    assert tape.gradient(stopped, inputs) is None
    if loss is not None:
        assert np.abs(np.asarray(tape.gradient(loss, inputs))).max() > 0


def check_default_modules_take_it(name: str) -> None:
    cls, _, _, space = CASES[name]

    class Module(DefaultPPOTfRLModule):
        def setup(self) -> None:
            self.action_dist_cls = cls
            super().setup()

    module = RLModuleSpec(
        module_class=Module,
        observation_space=Box(-1, 1, (4,)),
        action_space=space,
        model_config={"fcnet_hiddens": [5]},
    ).build()
    outputs = module.forward_exploration({"obs": tf.ones((3, 4))})
    dist = module.get_exploration_action_dist_cls().from_logits(outputs["action_dist_inputs"])
    actions = np.asarray(dist.sample())
    assert actions.shape == (3, *(space.shape or ()))
    assert dist.logp(dist.sample()).shape == (3,)
    assert pickle.loads(pickle.dumps(cls)).__name__ == cls.__name__
    assert copy.deepcopy(cls).from_logits(outputs["action_dist_inputs"]).logp(actions).shape == (3,)


def check_one_temperature_is_the_plain_categorical() -> None:
    logits = tf.constant(GOLDEN["cold|inputs"])
    plain, warm = (cls.from_logits(logits) for cls in (TfCategorical, TfCategoricalWithTemperature))
    near(warm.entropy(), plain.entropy(), 0.0)
    with pytest.raises(AssertionError, match="positive"):
        TfCategoricalWithTemperature.from_logits(logits, temperature=0.0)


def check_parts_of_nested_actions() -> None:
    cls = TfMultiDistribution.get_partial_dist_cls(
        child_distribution_cls_struct={"a": TfDirichlet, "b": TfBeta}, input_lens={"a": 4, "b": 6}
    )
    inputs = tf.concat([GOLDEN["dirichlet|inputs"], GOLDEN["beta|inputs"]], axis=-1)
    actions = {"a": GOLDEN["dirichlet|actions"], "b": GOLDEN["beta|actions"]}
    expected = GOLDEN["dirichlet|logp"] + GOLDEN["beta|logp"]
    dist = cls.from_logits(inputs)
    near(dist.logp(actions), expected, 1e-5)
    near(dist.logp(tf.concat([actions["a"], actions["b"]], axis=-1)), expected, 1e-5)


def check_refusals_name_what_to_take() -> None:
    with pytest.raises(ValueError, match=r"tf\.distributions\.integer_box_dist_cls"):
        dist_cls_for(INTEGERS)
    with pytest.raises(NotImplementedError, match="2 dimensions"):
        dist_cls_for(Box(-1, 1, (2, 2)))
    for space in (VECTOR, Box(np.array([0, 1]), np.array([3, 3]), dtype=int)):
        with pytest.raises(ValueError, match=r"integer Box|same bounds"):
            integer_box_dist_cls(space)


if __name__ == "__main__":
    report(checks_in(globals(), CASES))
