"""Attention, DQN and SAC in TF: Ray's numbers on legacy Keras, the same ones on Keras 3.

`tf_nets_against_ray.py` holds the checks; each Keras needs a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tf_nets_against_ray.py")
NAMES = [
    "attention",
    "attention_previous_actions",
    "attention_previous_boxes",
    "attention_previous_multi",
    "attention_previous_nested",
    "attention_two_units",
    "dqn",
    "dqn_atoms",
    "dqn_layer_norm",
    "dqn_noisy",
    "dqn_plain",
    "sac",
    "sac_discrete",
    "sac_structured",
]
INHERITED = {key: value for key, value in os.environ.items() if key != "RLLIB_TEST_NO_TF_IMPORT"}

# Slow: builds 40 Keras models in two processes, about 80 s of processor time.
pytestmark = [pytest.mark.tf, pytest.mark.slow]


def run(*arguments: str, legacy_keras: bool) -> dict[str, str | None]:
    environment = {
        **INHERITED,
        "TF_USE_LEGACY_KERAS": str(int(legacy_keras)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    recording = str(tmp_path_factory.mktemp("tf") / "nets.npz")
    return run("record", recording, legacy_keras=True) | run(
        "replay", recording, legacy_keras=False
    )


@pytest.mark.parametrize("name", NAMES)
def test_rays_numbers_and_all_variables(results, name):
    """Ray names the gates' weights alike, and finds the last of each layer only; we find all."""
    assert results[f"ray:{name}"] is None, results[f"ray:{name}"]


@pytest.mark.parametrize("name", NAMES)
def test_keras_3_gives_the_numbers_of_legacy_keras(results, name):
    assert results[f"replay:{name}"] is None, results[f"replay:{name}"]


def test_every_check_is_asserted(results):
    assert {key.split(":")[1] for key in results} == set(NAMES)
