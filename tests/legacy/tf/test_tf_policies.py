"""Our TF policies give the numbers of Ray 2.60's: actions, learning steps, state.

TensorFlow and legacy Keras, which Ray's need, ask for a process of its own;
`policies_against_ray.py` holds the checks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("policies_against_ray.py")
CHECKS = [
    "helpers",
    *(
        f"{kind}:{space}"
        for space in ("discrete", "box")
        for kind in (
            "subclass",
            "hooked",
            "built",
            "lstm",
            "batch_norm",
            "mixins",
            "update_ops",
            "static",
        )
    ),
]

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def results(run_checks) -> dict[str, str | None]:
    found: dict[str, str | None] = run_checks(SCRIPT)
    return found


@pytest.mark.parametrize("check", CHECKS)
def test_policy_acts_learns_and_restores_as_rays_does(
    results: dict[str, str | None], check: str
) -> None:
    assert results[check] is None, results[check]


def test_every_check_ran(results: dict[str, str | None]) -> None:
    assert sorted(results) == sorted(CHECKS)
