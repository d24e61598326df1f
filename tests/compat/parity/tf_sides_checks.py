"""Parity of TF models, run by test_tf_sides.py in a process of its own.

TensorFlow chooses its Keras when it is imported. Prints one JSON object: name of a check to null,
or to what went wrong.
"""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow  # noqa: F401  # before ray.rllib, which switches eager execution off
from checking import report
from gymnasium.spaces import Box, Dict, Discrete

REPOSITORY = Path(__file__).parents[3]
sys.path.insert(0, str(REPOSITORY / "tests" / "migrate" / "models"))

from conftest import Migration  # noqa: E402

from rlmigrate import check_parity, wrap_model  # noqa: E402
from rlmigrate.compat.parity import Status  # noqa: E402
from rlmigrate.migrate.settings import Settings  # noqa: E402

FIXTURES = REPOSITORY / "fixtures" / "tf_models"
SPACES: dict[str, Any] = {
    "observation_space": Box(-1, 1, (4,), np.float32),
    "action_space": Discrete(3),
}
DICT = Dict({"grid": Box(0, 9, (2, 2), np.int8), "position": Box(-1, 1, (4,)), "room": Discrete(3)})
NORM = (
    'name="hidden")(inputs)\n',
    'name="hidden")(inputs)\n'
    '        hidden = tf.keras.layers.LayerNormalization(name="norm")(hidden)\n',
)
BACKWARDS = (
    "logits, value = self.base_model(obs)",
    'one, two = (self.base_model.get_layer(name) for name in ("hidden", "logits"))\n'
    "        parts = [obs[:, i : i + 1] * one.kernel[i] for i in reversed(range(obs.shape[1]))]\n"
    "        hidden = tf.tanh(tf.add_n(parts) + one.bias)\n"
    "        logits = tf.transpose(tf.matmul(two.kernel, hidden, True, True)) + two.bias\n"
    '        value = self.base_model.get_layer("value")(hidden)',
)


def pair(name: str, *changes: tuple[str, str], old: tuple[str, str] = ("", "")) -> tuple[Any, Any]:
    """Rewrite a fixture, with a change to it beforehand, and others to what came out."""
    text = (FIXTURES / name / "before.py").read_text().replace(*old)
    done = Migration(Path(tempfile.mkdtemp()), {"model.py": text}, Settings(target="builtin"))
    assert done.items["Policy"].outcome == "native", done.items["Policy"].message
    after = done.text("model.py")
    for before, planted in changes:
        assert before in after, after
        after = after.replace(before, planted)
    (done.after / "model.py").write_text(after)
    return done.old("model.py").Policy, done.new("model.py").Policy


def compared(old: Any, new: Any, **options: Any) -> Any:
    """Compare, and give the one result."""
    (result,) = check_parity(old, new, **{**SPACES, **options}).results
    return result


@cache
def native() -> Any:
    """Give the result of a native rewrite."""
    return compared(*pair("textbook"))


def native_has_the_old_ones_bits() -> None:
    found = native()
    assert found.status is Status.PASS, found.message
    assert found.outputs["dist_inputs"].max_abs == 0
    assert found.outputs["value"].max_abs == 0
    assert found.parameters.matched == found.parameters.total == 6


def gradients_and_a_step_are_compared() -> None:
    compared_paths = set(native().outputs)
    assert "gradients.parameters.base_model/hidden/kernel" in compared_paths
    assert {"gradients.inputs", "after one step.dist_inputs", "after one step.value"} <= (
        compared_paths
    )


def wrapped_passes() -> None:
    old, _ = pair("textbook")
    found = compared(old, wrap_model(old, stack="builtin"))
    assert found.status is Status.PASS, found.message
    assert found.parameters.matched == 6


def other_order_of_sums_passes_by_noise() -> None:
    found = compared(*pair("textbook", BACKWARDS))
    assert found.status is Status.PASS, found.message
    assert found.outputs["dist_inputs"].max_abs > 0
    judged = {output.judged_by for output in found.outputs.values()}
    assert "table" not in judged, found.notes  # float64 results were there
    assert not any("float64" in note for note in found.notes), found.notes


def epsilon_is_located() -> None:
    other = ('LayerNormalization(name="norm")', 'LayerNormalization(name="norm", epsilon=1.1e-3)')
    found = compared(*pair("textbook", other, old=NORM))
    assert found.status is Status.FAIL
    assert found.first_divergence == "base_model/norm", (found.notes, found.message)
    assert "epsilon" in found.cause, found.cause


def activation_is_located() -> None:
    found = compared(*pair("textbook", ('"tanh"', '"relu"')))
    assert found.status is Status.FAIL
    assert found.first_divergence == "base_model/hidden"
    assert found.smallest is not None


def missing_value_is_a_finding() -> None:
    old, new = pair("textbook")
    mute = type("Mute", (new,), {"compute_values": lambda self, batch, embeddings=None: None})
    found = compared(old, mute)
    assert found.status is Status.FAIL
    assert {"value"} <= {finding.path for finding in found.findings}


def states_are_carried() -> None:
    found = compared(*pair("recurrent"))
    assert found.status is Status.PASS, found.message
    assert {"state_out.0", "state_out.1"} <= set(found.outputs)


def state_that_stays_is_found() -> None:
    stays = ("tf_name_states([h, c])", "tf_name_states([state[0], c])")
    found = compared(*pair("recurrent", stays))
    assert found.status is Status.FAIL
    assert {f.path for f in found.findings if f.kind == "value"} == {"state_out.0"}


def nested_observations_are_preprocessed() -> None:
    found = compared(*pair("dict_observation"), observation_space=DICT)
    assert found.status is Status.PASS, found.message
    turned = [f for f in found.findings if f.path.startswith("gradients")]
    assert not turned


CHECKS = (
    native_has_the_old_ones_bits,
    gradients_and_a_step_are_compared,
    wrapped_passes,
    other_order_of_sums_passes_by_noise,
    epsilon_is_located,
    activation_is_located,
    missing_value_is_a_finding,
    states_are_carried,
    state_that_stays_is_found,
    nested_observations_are_preprocessed,
)


if __name__ == "__main__":
    report({c.__name__: c for c in CHECKS if c.__name__ in sys.argv[1:] or not sys.argv[1:]})
