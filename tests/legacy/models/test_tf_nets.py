"""Attention, DQN and SAC in TF: Ray's numbers on legacy Keras, the same ones on Keras 3.

`tf_nets_against_ray.py` holds the checks; each Keras needs a process of its own.
"""

from __future__ import annotations

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

# Slow: builds 40 Keras models in two processes, about 80 s of processor time.
pytestmark = [pytest.mark.tf, pytest.mark.slow]


@pytest.fixture(scope="module")
def results(run_checks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    recording = str(tmp_path_factory.mktemp("tf") / "nets.npz")
    return {
        **run_checks(SCRIPT, "record", recording),
        **run_checks(SCRIPT, "replay", recording, keras="3"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_rays_numbers_and_all_variables(results, name):
    """Ray names the gates' weights alike, and finds the last of each layer only; we find all."""
    assert results[f"ray:{name}"] is None, results[f"ray:{name}"]


@pytest.mark.parametrize("name", NAMES)
def test_keras_3_gives_the_numbers_of_legacy_keras(results, name):
    assert results[f"replay:{name}"] is None, results[f"replay:{name}"]


def test_every_check_is_asserted(results):
    assert {key.split(":")[1] for key in results} == set(NAMES)
