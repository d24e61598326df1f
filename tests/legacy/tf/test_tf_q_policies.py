"""Our TF policies of DQN and SAC act as Ray 2.60's: greedily, and with one seed at random.

TensorFlow and legacy Keras, which Ray's need, ask for a process of its own;
`q_policies_against_ray.py` holds the checks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("q_policies_against_ray.py")


@pytest.mark.tf
def test_policies_of_dqn_and_sac_act_as_rays_do(run_checks) -> None:
    found = run_checks(SCRIPT)
    assert len(found) == 12
    assert found == dict.fromkeys(found)
