"""Wrapped TF models compute what the ModelV2 does, and TF weights reach torch (tf_checks.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tf_checks.py")
SPACES = ["discrete", "box", "int_box", "multi_discrete", "tuple", "dict"]
CHECKS = [
    "attention_rolls_its_memory",
    "nested_observations_are_preprocessed",
    "copies_and_checkpoints",
    "batch_norm_and_dropout_train_only_in_training",
    "rays_stack_is_refused",
    "unknown_tf_names_are_listed",
    "checkpoints_of_rays_tf2_policies",
    *(f"{who}:{net}:{s}" for who in ("ours", "rays") for net in ("fcnet", "lstm") for s in SPACES),
    *(
        f"to_torch:{net}"
        for net in ("fcnet", "separate", "free_log_std", "lstm", "vision", "vision_separate")
    ),
]

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("keras", ["legacy", "3"])
def test_every_check_ran(run_checks, keras: str) -> None:
    assert set(run_checks(SCRIPT, keras=keras)) == set(CHECKS)


@pytest.mark.parametrize("keras", ["legacy", "3"])
@pytest.mark.parametrize("name", CHECKS)
def test_wrapped_tf(run_checks, name: str, keras: str) -> None:
    found = run_checks(SCRIPT, keras=keras)
    assert found[name] is None, found[name]
