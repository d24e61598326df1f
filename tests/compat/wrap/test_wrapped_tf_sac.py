"""Wrapped SAC models in TF give what the loss of Ray's SAC computes (tf_sac_checks.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytestmark = pytest.mark.tf
SCRIPT = Path(__file__).with_name("tf_sac_checks.py")


@pytest.mark.parametrize("keras", ["legacy", "3"])
def test_every_check_passes(run_checks, keras) -> None:
    found = run_checks(SCRIPT, keras=keras)
    assert len(found) == 19
    assert found == dict.fromkeys(found)
