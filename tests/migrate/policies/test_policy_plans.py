"""What is believed of a policy class, and what becomes of it."""

from __future__ import annotations

import ast

import pytest

from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.policies.hooks import BUILDER, HOOKS
from rlmigrate.migrate.policies.study import StudiedPolicy, studied_policies

TORCH = "from ray.rllib.policy.torch_policy_v2 import TorchPolicyV2\n\n\n"
PLAIN = "from ray.rllib.policy.policy import Policy\n\n\n"


def study(text: str, **others: str) -> StudiedPolicy:
    index = RepoIndex.of_texts({"one.py": text, **{f"{k}.py": v for k, v in others.items()}})
    path = next(path for path in index.files if path.name == "one.py")
    found = studied_policies(index.source_of(path), index)
    assert len(found) == 1, found
    return found[0]


def test_a_sampler_that_says_nothing_of_probabilities_is_bridged() -> None:
    found = study(
        TORCH + "class Mine(TorchPolicyV2):\n"
        "    def action_sampler_fn(self, model, *, obs_batch, state_batches, **kwargs):\n"
        "        return None, None, None, None\n"
    )
    assert found.plan.outcome is Outcome.BRIDGED
    assert found.facts.acting == ("action_sampler_fn",)
    assert not found.facts.networkless


def test_a_policy_without_a_network_is_native_and_its_idle_methods_do_not_count() -> None:
    found = study(
        PLAIN + "class Mine(Policy):\n"
        "    def compute_actions(self, obs_batch, *args, **kwargs):\n"
        "        return [0], [], {}\n"
        "    def learn_on_batch(self, samples):\n"
        "        pass\n"
        "    def get_weights(self):\n"
        "        return {}\n"
    )
    assert found.plan.outcome is Outcome.NATIVE
    assert found.facts.networkless


def test_a_policy_that_learns_is_manual_and_each_hook_has_its_place() -> None:
    found = study(
        PLAIN + "class Mine(Policy):\n"
        "    def compute_actions(self, obs_batch, *args, **kwargs):\n"
        "        return [0], [], {}\n"
        "    def learn_on_batch(self, samples):\n"
        "        self.weights = self.solve(samples)\n"
        "    def postprocess_trajectory(self, batch, others=None, episode=None):\n"
        "        return batch\n"
    )
    assert found.plan.outcome is Outcome.MANUAL
    for name in ("learn_on_batch", "postprocess_trajectory", "compute_actions"):
        assert f"{name}() goes into {HOOKS[name].home}" in found.plan.reason


def test_a_tf_policy_is_manual_because_of_tf() -> None:
    found = study(
        "from ray.rllib.policy.eager_tf_policy_v2 import EagerTFPolicyV2\n\n\n"
        "class Mine(EagerTFPolicyV2):\n"
        "    def action_distribution_fn(self, model, **kwargs):\n"
        "        return None, None, []\n"
    )
    assert found.plan.outcome is Outcome.MANUAL
    assert "TensorFlow" in found.plan.reason


def test_the_policy_of_another_algorithm_is_not_bridged_on_a_plain_base() -> None:
    found = study(
        "from ray.rllib.algorithms.sac.sac_torch_policy import SACTorchPolicy\n\n\n"
        "class Mine(SACTorchPolicy):\n"
        "    def extra_action_out(self, input_dict, state_batches, model, action_dist):\n"
        "        return {}\n"
    )
    assert found.plan.outcome is Outcome.MANUAL
    assert "SACTorchPolicy" in found.plan.reason


def test_a_child_of_a_policy_in_another_file_names_its_parent() -> None:
    found = study(
        "from base import Parent  # rllib\n\n\n"
        "class Mine(Parent):\n"
        "    def make_model(self):\n"
        "        return None\n",
        base=TORCH + "class Parent(TorchPolicyV2):\n    pass\n",
    )
    assert found.plan.outcome is Outcome.MANUAL
    assert "builds on Parent" in found.plan.reason


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_is_a_method_of_rays_policies(name: str) -> None:
    from pathlib import Path

    import ray.rllib.policy as package

    folder = Path(next(iter(package.__path__)))
    defined = {
        node.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    old = {"extra_grad_info", "learn_on_loaded_batch"}
    assert name in defined | old


def test_builder_arguments_lead_somewhere() -> None:
    assert all(BUILDER.values())
    assert {"loss_fn", "postprocess_fn", "mixins", "make_model"} <= set(BUILDER)
