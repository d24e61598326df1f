"""Our TF models and distributions give the numbers of Ray 2.60's, on either Keras.

TensorFlow and the choice of Keras need processes of their own; `against_ray.py` holds the checks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("against_ray.py")
MODELS = [
    "complex",
    "fcnet",
    "fcnet_discrete_obs",
    "fcnet_free_log_std",
    "fcnet_no_final_linear",
    "fcnet_no_outputs",
    "fcnet_post",
    "fcnet_separate_value",
    "lstm",
    "lstm_previous",
    "lstm_previous_multi",
    "vision",
    "vision_no_final_linear",
    "vision_post",
    "vision_separate_value",
]
DISTRIBUTIONS = ["categorical", "dict", "gaussian", "integer_box", "multi_categorical", "tuple"]
WITHOUT_TFP = ["Beta", "Dirichlet", "SquashedGaussian"]

pytestmark = pytest.mark.tf

#: Set by other tests, to keep Ray's torch side light.
INHERITED = {key: value for key, value in os.environ.items() if key != "RLLIB_TEST_NO_TF_IMPORT"}


def run(*arguments: str, legacy_keras: bool) -> dict[str, str | None]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={
            **INHERITED,
            "TF_USE_LEGACY_KERAS": str(int(legacy_keras)),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    recording = str(tmp_path_factory.mktemp("tf") / "recording.npz")
    with_legacy_keras = run("--record", recording, legacy_keras=True)
    return with_legacy_keras | run("--replay", recording, legacy_keras=False)


@pytest.mark.parametrize("name", MODELS)
def test_model_gives_rays_numbers_under_rays_names(
    results: dict[str, str | None], name: str
) -> None:
    assert results[f"model:{name}"] is None, results[f"model:{name}"]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distribution_gives_rays_numbers(results: dict[str, str | None], name: str) -> None:
    assert results[f"distribution:{name}"] is None, results[f"distribution:{name}"]


@pytest.mark.parametrize("name", WITHOUT_TFP)
def test_distribution_without_tfp_gives_the_torch_numbers(
    results: dict[str, str | None], name: str
) -> None:
    assert results[f"torch:{name}"] is None, results[f"torch:{name}"]


@pytest.mark.parametrize("name", MODELS)
def test_keras_3_gives_the_numbers_of_legacy_keras(
    results: dict[str, str | None], name: str
) -> None:
    assert results[f"replay:{name}"] is None, results[f"replay:{name}"]
