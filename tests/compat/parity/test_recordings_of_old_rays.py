"""Models recorded on real Ray 2.35.0, 2.9.3 and 1.13.0 against their modules on Ray 2.60."""

from pathlib import Path

import pytest

from rlmigrate import wrap_model
from rlmigrate.compat.parity import Status, compare
from rlmigrate.compat.parity.recording.format import load
from rlmigrate.compat.parity.sides.tf_weights import pair_keras, to_torch

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
RELEASES = ["2.9.3", "1.13.0"]


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory, imported):
    """The torch model's module, as the codemod writes it."""
    from click.testing import CliRunner

    from rlmigrate.migrate.cli import cli

    folder = tmp_path_factory.mktemp("rewritten")
    path = folder / "torch_models.py"
    path.write_bytes((RECORDINGS / "torch_models.py").read_bytes())
    done = CliRunner().invoke(cli, ["rewrite", "--write", "--allow-dirty", str(path)])
    assert "1 native" in done.output, done.output
    return imported(folder, "torch_models").Small


def noise_of(result, path):
    ratio = result.outputs[path].noise_ratio
    assert ratio is not None, "judged by a table"
    return ratio


def assert_whole(result, parameters, cases=7):
    assert result.status is Status.PASS, (result.message, result.notes)
    assert (result.cases.compared, result.cases.total) == (cases, cases)
    assert result.parameters.matched == result.parameters.total == parameters


@pytest.mark.parametrize("release", RELEASES)
def test_torch_model(rewritten, release):
    recording = RECORDINGS / f"torch-{release}.npz"
    assert load(recording).facts["ray"] == release
    (result,) = compare(recording, rewritten).results
    assert_whole(result, parameters=6)
    assert "kl" in result.outputs
    assert noise_of(result, "dist_inputs") < 2


@pytest.mark.parametrize("release", RELEASES)
def test_tf_model_against_its_torch_module(imported, release):
    recording = RECORDINGS / f"tf-{release}.npz"
    assert load(recording).facts["framework"] == "tf2"
    (result,) = compare(recording, imported(RECORDINGS, "tf_rewritten").Small).results
    assert_whole(result, parameters=6)
    assert result.parameters.mapping["body/kernel:0"] == "body.weight"
    assert result.outputs["value"].judged_by == "table"


def test_gradients_step_and_layers_of_a_tf_model(imported):
    """Keras lays kernels out the other way round, and has no float64 numbers here."""
    right = imported(RECORDINGS, "tf_rewritten").Small
    (result,) = compare(RECORDINGS / "tf-2.9.3.npz", right).results
    kernels = {f"gradients.parameters.{layer}/kernel:0" for layer in ("body", "pi", "vf")}
    assert kernels | {"gradients.inputs", "after one step.value"} <= set(result.outputs)

    class OtherTrunk(right):
        def setup(self):
            super().setup()
            self.body.forward = lambda x: type(self.body).forward(self.body, x) * 1.001

    (result,) = compare(RECORDINGS / "tf-2.9.3.npz", OtherTrunk).results
    assert result.status is Status.FAIL
    assert result.first_divergence == "body"
    assert result.cause == "Dense: same weights and input, other output"

    class Detached(right):
        def compute_values(self, batch, embeddings=None):
            return super().compute_values(batch, embeddings).detach()

    (result,) = compare(RECORDINGS / "tf-2.9.3.npz", Detached).results
    assert {finding.path.partition(".")[0] for finding in result.findings} == {"gradients"}


@pytest.mark.parametrize("release", RELEASES)
def test_default_net_of_a_checkpoint(release):
    from ray.rllib.models.torch.fcnet import FullyConnectedNetwork

    wrapped = wrap_model(FullyConnectedNetwork)
    (result,) = compare(RECORDINGS / f"checkpoint-{release}.npz", wrapped).results
    assert_whole(result, parameters=12)


def test_gradients_and_layers_of_an_old_ray(rewritten):
    (result,) = compare(RECORDINGS / "torch-2.35.0.npz", rewritten).results
    assert_whole(result, parameters=6)
    assert {"gradients.inputs", "gradients.parameters.body.weight"} <= set(result.outputs)
    assert noise_of(result, "gradients.parameters.body.weight") < 2

    class OtherTrunk(rewritten):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.body.forward = lambda x: type(self.body).forward(self.body, x) * 1.001

    (result,) = compare(RECORDINGS / "torch-2.35.0.npz", OtherTrunk).results
    assert result.status is Status.FAIL
    assert result.first_divergence == "body"
    assert result.smallest is not None
    assert any("'batch 33'" in note for note in result.notes)

    class Detached(rewritten):
        def compute_values(self, batch, embeddings=None):
            value = super().compute_values(batch, embeddings)
            return value.detach()

    (result,) = compare(RECORDINGS / "torch-2.35.0.npz", Detached).results
    assert result.status is Status.FAIL
    assert {finding.path.partition(".")[0] for finding in result.findings} == {"gradients"}


def test_q_values_of_an_old_ray(imported):
    from rlmigrate.compat.names import ray_names

    with ray_names():
        cls = imported(RECORDINGS, "q_models").Features
    wrapped = wrap_model(cls, role="dqn")
    (result,) = compare(RECORDINGS / "dqn-2.35.0.npz", wrapped).results
    assert_whole(result, parameters=12)
    wanted = {"q_values", "target.q_values", "next.q_values", "gradients.inputs"}
    assert wanted <= set(result.outputs)
    assert noise_of(result, "q_values") < 2

    class Undueled(wrapped):
        def compute_q_values(self, batch):
            found = super().compute_q_values(batch)
            values = found["qf_preds"]
            return {**found, "qf_preds": values - values.mean(-1, keepdim=True)}

    (result,) = compare(RECORDINGS / "dqn-2.35.0.npz", Undueled).results
    assert result.status is Status.FAIL
    assert result.findings[0].path == "q_values"


@pytest.mark.parametrize("kind", ["torch", "tf"])
def test_wrong_module_fails(rewritten, imported, kind):
    right = rewritten if kind == "torch" else imported(RECORDINGS, "tf_rewritten").Small

    class Wrong(right):
        def compute_values(self, batch, embeddings=None):
            return 1.001 * super().compute_values(batch, embeddings)

    (result,) = compare(RECORDINGS / f"{kind}-1.13.0.npz", Wrong).results
    assert result.status is Status.FAIL
    assert result.findings[0].path == "value"


def test_keras_weights_are_paired_by_layer_and_shape():
    import numpy as np

    old = {
        "scope/conv/kernel:0": np.arange(24.0).reshape(2, 3, 2, 2),
        "scope/pi/kernel:0": np.zeros((4, 3)),
        "scope/pi/bias:0": np.zeros(3),
        "scope/twice/bias:0": np.zeros(3),
    }
    new = {
        "conv.weight": np.zeros((2, 2, 2, 3)),
        "head.pi.weight": np.zeros((3, 4)),
        "head.pi.bias": np.zeros(5),
        "a.twice.bias": np.zeros(3),
        "b.twice.bias": np.zeros(3),
    }
    assert pair_keras(old, new) == {
        "scope/conv/kernel:0": "conv.weight",
        "scope/pi/kernel:0": "head.pi.weight",
    }
    kernel = to_torch("scope/conv/kernel:0", old["scope/conv/kernel:0"])
    assert kernel[1, 0, 1, 2] == old["scope/conv/kernel:0"][1, 2, 0, 1]
