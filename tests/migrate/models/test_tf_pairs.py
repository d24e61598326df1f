"""Models of TensorFlow become TfRLModules that compute what they did on Ray's old stack."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tf

FOLDER = Path(__file__).parents[3] / "fixtures" / "tf_models"
#: Those that only use what torch says with the same numbers (test_ported_models.py).
PORTED = {
    *("continuous", "dict_observation", "helpers_of_rllib", "image", "inherits_dense_net"),
    *("mask_under_logits", "names_of_keras", "nested_dense", "recurrent", "separate_value"),
    "textbook",
}
SCRIPT = Path(__file__).with_name("tf_pairs.py")
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


@pytest.fixture(scope="module", params=["legacy", "3"])
def results(run_checks, request) -> dict[str, str | None]:
    return run_checks(SCRIPT, *NAMES, keras=request.param)


def test_computes_the_same(results) -> None:
    assert results == dict.fromkeys(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_becomes(migrate, name) -> None:
    done = migrate((FOLDER / name / "before.py").read_text(), target="builtin")
    assert done.items["Policy"].outcome == "native"
    assert done.text("model.py") == (FOLDER / name / "after.py").read_text()
    assert "ray." not in done.text("model.py")


@pytest.mark.parametrize("name", NAMES)
def test_is_ported_to_torch_for_ray_or_left_with_a_reason(migrate, name) -> None:
    item = migrate((FOLDER / name / "before.py").read_text()).items["Policy"]
    if name in PORTED:
        assert item.outcome == "native"
        assert "ported from TensorFlow" in item.message
    else:
        assert item.outcome == "manual"
        assert "is not ported because it" in item.message


@pytest.mark.parametrize(("base", "outcome"), [("SAC", "bridged"), ("RNNSAC", "manual")])
def test_nets_of_sac_are_wrapped_where_a_module_has_them(migrate, base, outcome) -> None:
    text = f"""from ray.rllib.algorithms.sac.sac_tf_model import {base}TFModel


class Policy({base}TFModel):
    def get_q_values(self, model_out, actions=None):
        return 2.0 * super().get_q_values(model_out, actions)
"""
    done = migrate(text, target="builtin")
    assert done.items["Policy"].outcome == outcome
    assert ("rlmigrate.legacy.models.tf.sac_model" in done.text("model.py")) == (base == "SAC")
    on_ray = migrate(text).items["Policy"]
    assert on_ray.outcome == "manual"
    assert "DefaultSACTorchRLModule" in on_ray.message


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "logits, self._value = self.base_model(",
            "logits, self._value = tf.keras.layers.Dense(2)(",
            "makes layers in forward",
        ),
        ("return logits, state", "return logits + tf1.get_variable('a'), state", "uses get_vari"),
        ("def value_function", "def get_initial_state", "get_initial_state"),
        (
            "    def value_f",
            "    def summary(self):\n        pass\n\n    def value_f",
            "has summary",
        ),
        ("return logits, state", "return input_dict['is_training'], state", "reads is_training"),
        ("class Policy(TFModelV2)", "class Policy(Other, TFModelV2)", "inherits from Other"),
    ],
)
def test_what_cannot_be_written_is_bridged(migrate, old, new, reason) -> None:
    text = (FOLDER / "textbook" / "before.py").read_text()
    assert old in text
    item = migrate(text.replace(old, new), target="builtin").items["Policy"]
    assert item.outcome == "bridged"
    assert reason in item.message
