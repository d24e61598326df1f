"""Policies of EagerTFPolicyV2 that only act become TfRLModules for the builtin target."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytest.importorskip("tensorflow")

SCRIPT = Path(__file__).with_name("tf_policy_checks.py")
CASES = ["colder", "continuous", "explores", "mask", "model", "sampler"]
POLICY = """import tensorflow as tf
from ray.rllib.models.tf.tf_action_dist import Categorical, Gumbel
from ray.rllib.models.tf.tf_modelv2 import TFModelV2
from ray.rllib.policy.eager_tf_policy_v2 import EagerTFPolicyV2


class Net(TFModelV2):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        inputs = tf.keras.layers.Input(shape=obs_space.shape)
        self.base_model = tf.keras.Model(inputs, tf.keras.layers.Dense(num_outputs)(inputs))

    def forward(self, input_dict, state, seq_lens):
        return self.base_model(input_dict["obs"]), state


class Policy(EagerTFPolicyV2):
    def make_model(self):
        size = self.action_space.n
        return Net(self.observation_space, self.action_space, size, self.config["model"], "net")

    def action_distribution_fn(self, model, *, obs_batch, state_batches, **kwargs):
        logits, state = model({"obs": obs_batch}, state_batches, None)
        return 2.0 * logits, Categorical, state
"""


@pytest.mark.tf
@pytest.mark.parametrize("case", CASES)
def test_a_policy_computes_what_rays_does(run_checks, case) -> None:
    results = run_checks(SCRIPT)
    assert sorted(results) == CASES
    assert results[case] is None, results[case]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"obs": obs_batch', '"obs": obs_batch * 0.5', "gives its model other observations"),
        ("Categorical, state", "Gumbel, state", "uses Gumbel, whose numbers the new stack"),
        ("obs_batch, state_b", "obs_batch, is_training, state_b", "reads is_training, which Keras"),
        (
            "    def action_dist",
            "    def compute_actions(self):\n        return 0\n\n    def action_dist",
            "overrides compute_actions()",
        ),
        ("return Net(", "return Other(", "builds Other, which is not among the files"),
        ("make_model(self)", "made(self)", "leaves its model to the config"),
    ],
)
def test_what_is_not_certain_is_left_with_the_reason(migrate, old, new, reason) -> None:
    assert old in POLICY
    item = migrate(POLICY.replace(old, new), target="builtin").items["Policy"]
    assert item.outcome == "manual"
    assert reason in item.message


def test_a_policy_that_changes_learning_is_left(migrate) -> None:
    more = "\n    def loss(self, model, dist_class, train_batch):\n        return 0.0\n"
    assert migrate(POLICY + more, target="builtin").items["Policy"].outcome == "manual"


def test_rays_new_stack_has_no_place_for_one(migrate) -> None:
    assert migrate(POLICY).items["Policy"].outcome == "manual"
