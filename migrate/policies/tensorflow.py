"""Policies that are written for TensorFlow, which become TfRLModules for the builtin target.

TF_BASE, TF_DISTRIBUTIONS   what they build on, and their distributions on the new stack
tf_plan    attempt what only acts; leave the rest to a person
check_tf   refuse what is written for torch alone
stuck      the plan where a class could not be written
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.reading import PolicyFacts, PolicyPlan, policy_plan
from rlmigrate.migrate.policies.words import Owner
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Reading

TF_BASE = "EagerTFPolicyV2"
#: Where its distributions live, and those whose new counterpart computes the same numbers.
OLD_TF_DISTRIBUTIONS = "ray.rllib.models.tf.tf_action_dist."
TF_DISTRIBUTIONS: Mapping[str, str] = {
    "Categorical": "TfCategorical",
    "DiagGaussian": "TfDiagGaussian",
}


def tf_plan(facts: PolicyFacts) -> PolicyPlan:
    """Bridge what only acts, for now: it is written anew, or left to a person."""
    only_acts = not facts.learning and not facts.local_bases and bool(facts.acting)
    if facts.framework != "tf" or facts.base != TF_BASE or not only_acts:
        return policy_plan(facts)
    return PolicyPlan(Outcome.BRIDGED, f"overrides {', '.join(facts.acting)}")


def stuck(facts: PolicyFacts, problem: NotMovable) -> PolicyPlan:
    """Say why a policy is left to a person, after what it is left with anyway."""
    return PolicyPlan(Outcome.MANUAL, f"{policy_plan(facts).reason}; it {problem}")


def check_tf(owner: Owner, methods: Mapping[str, ast.FunctionDef], reading: Reading | None) -> None:
    """Raise NotMovable for what the words of policies say in torch's names alone."""
    nothing = ast.Module([], [])
    for name, method in methods.items():
        for node in nodes_in(method):
            if isinstance(node, ast.arg) and node.arg == "is_training":
                raise NotMovable(method, "reads is_training, which Keras models are told by a call")
        if name.startswith(("compute_", "extra_action_out")):
            raise NotMovable(method, f"overrides {name}()")
    if reading is None:
        raise NotMovable(nothing, "leaves its model to the config")
    if owner.recurrent or reading.facts.sequential:
        raise NotMovable(nothing, "builds a model with states")
