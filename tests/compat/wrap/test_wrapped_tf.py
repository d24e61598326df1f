"""Wrapped TF models compute what the ModelV2 does, and TF weights reach torch (tf_checks.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tf_checks.py")
SPACES = ["discrete", "box", "int_box", "multi_discrete", "tuple", "dict"]
CHECKS = [
    "attention_rolls_its_memory",
    "nested_observations_are_preprocessed",
    "copies_and_checkpoints",
    "batch_norm_and_dropout_train_only_in_training",
    "rays_stack_and_other_roles_are_refused",
    "unknown_tf_names_are_listed",
    "checkpoints_of_rays_tf2_policies",
    *(f"{who}:{net}:{s}" for who in ("ours", "rays") for net in ("fcnet", "lstm") for s in SPACES),
    *(
        f"to_torch:{net}"
        for net in ("fcnet", "separate", "free_log_std", "lstm", "vision", "vision_separate")
    ),
]

pytestmark = pytest.mark.tf

#: Other tests switch TF off for Ray; here it is wanted.
INHERITED = {key: value for key, value in os.environ.items() if key != "RLLIB_TEST_NO_TF_IMPORT"}


@cache
def results(keras: str) -> dict[str, str | None]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={
            **INHERITED,
            "TF_USE_LEGACY_KERAS": str(int(keras == "legacy")),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(CHECKS)
    return found


@pytest.mark.parametrize("keras", ["legacy", "3"])
@pytest.mark.parametrize("name", CHECKS)
def test_wrapped_tf(name: str, keras: str) -> None:
    assert results(keras)[name] is None, results(keras)[name]
