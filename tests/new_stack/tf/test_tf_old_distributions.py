"""The old-only distributions in TF give Ray's old numbers (tf_old_distributions_checks.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.tf
SCRIPT = Path(__file__).with_name("tf_old_distributions_checks.py")


@pytest.mark.parametrize("keras", ["legacy", "3"])
def test_every_check_passes(run_checks, keras) -> None:
    found = run_checks(SCRIPT, keras=keras)
    assert len(found) == 45
    assert found == dict.fromkeys(found)
