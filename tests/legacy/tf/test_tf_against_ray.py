"""Our TF models and distributions give the numbers of Ray 2.60's, on either Keras.

TensorFlow and the choice of Keras need processes of their own; `against_ray.py` holds the checks.
"""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def results(run_checks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    recording = str(tmp_path_factory.mktemp("tf") / "recording.npz")
    return {
        **run_checks(SCRIPT, "--record", recording),
        **run_checks(SCRIPT, "--replay", recording, keras="3"),
    }


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
