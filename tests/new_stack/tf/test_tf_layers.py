"""The Keras nets of the layers file give RLlib's numbers, on both Kerases (tf_layers_checks.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytestmark = pytest.mark.tf
INHERITED = {key: value for key, value in os.environ.items() if key != "RLLIB_TEST_NO_TF_IMPORT"}


@pytest.mark.parametrize("legacy", ["1", "0"], ids=["keras2", "keras3"])
def test_every_check_passes(legacy: str) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("tf_layers_checks.py"))],
        env={**INHERITED, "TF_USE_LEGACY_KERAS": legacy, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == 21
    assert found == dict.fromkeys(found)
