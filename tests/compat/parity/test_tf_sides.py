"""TF models against their TfRLModules, in TensorFlow of either Keras.

`tf_sides_checks.py` and `tf_roles_checks.py` hold the checks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tf

SCRIPT = Path(__file__).with_name("tf_sides_checks.py")
FIXTURE = Path(__file__).parents[3] / "fixtures" / "tf_models" / "textbook"
#: Other tests switch TF off for Ray; here it is wanted.
INHERITED = {key: value for key, value in os.environ.items() if key != "RLLIB_TEST_NO_TF_IMPORT"}
SHORT = [
    "native_has_the_old_ones_bits",
    "other_order_of_sums_passes_by_noise",
    "states_are_carried",
]
CHECKS = [
    *SHORT,
    "gradients_and_a_step_are_compared",
    "wrapped_passes",
    "epsilon_is_located",
    "activation_is_located",
    "missing_value_is_a_finding",
    "state_that_stays_is_found",
    "nested_observations_are_preprocessed",
]


def run(arguments: list[str], keras: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**INHERITED, "TF_USE_LEGACY_KERAS": keras, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", CHECKS)
def test_on_legacy_keras(run_checks, name: str) -> None:
    found = run_checks(SCRIPT)
    assert set(found) == set(CHECKS)
    assert found[name] is None, found[name]


@pytest.mark.parametrize("name", SHORT)
def test_on_keras_3(run_checks, name: str) -> None:
    found = run_checks(SCRIPT, *SHORT, keras="3")
    assert found[name] is None, found[name]


def test_dqn_and_sac_in_their_own_protocols(run_checks) -> None:
    found = run_checks(Path(__file__).with_name("tf_roles_checks.py"))
    assert len(found) >= 10
    assert found == dict.fromkeys(found)


def verify(tmp_path: Path, *, rewritten: bool) -> subprocess.CompletedProcess[str]:
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
        shutil.copy(FIXTURE / "before.py", tmp_path / side / "model.py")
    folders = [str(tmp_path / side) for side in ("old", "new")]
    if rewritten:
        command = ["-m", "rlmigrate", "rewrite", "--write", "--target", "builtin", folders[1]]
        done = run(command, "1")
        assert done.returncode == 0, done.stderr
    spaces = ["--observation-space", "Box(-1.0, 1.0, (4,))", "--action-space", "Discrete(3)"]
    return run(["-m", "rlmigrate", "verify", *folders, *spaces, "--format", "json"], "1")


def test_verify_compares_a_rewritten_tree(tmp_path: Path) -> None:
    done = verify(tmp_path, rewritten=True)
    (result,) = json.loads(done.stdout)["results"]
    assert result["status"] == "PASS", result["message"]
    assert done.returncode == 0
    assert result["parameters"]["matched"] == 6


def test_what_is_still_a_tf_model_is_told_so(tmp_path: Path) -> None:
    done = verify(tmp_path, rewritten=False)
    (result,) = json.loads(done.stdout)["results"]
    assert (done.returncode, result["status"]) == (3, "INCOMPLETE")
    assert "--target builtin" in result["message"]
