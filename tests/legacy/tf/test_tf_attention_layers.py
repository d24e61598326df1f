"""Our TF attention layers give the numbers of Ray 2.60, on both Kerases."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytestmark = pytest.mark.tf
SCRIPT = Path(__file__).with_name("attention_layers_against_ray.py")


@pytest.mark.parametrize("keras", ["legacy", "3"])
def test_every_check_passes(run_checks, keras) -> None:
    found = run_checks(SCRIPT, keras=keras)
    assert len(found) == 5
    assert found == dict.fromkeys(found)
