"""Recordings: written, read back, compared, refused."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlmigrate.compat.parity import Status, check_parity, compare, record
from rlmigrate.compat.parity.arrays import map_leaves, select_rows
from rlmigrate.compat.parity.cases.plain import from_plain
from rlmigrate.compat.parity.recording.emitting import recorder_source
from rlmigrate.compat.parity.recording.format import FORMAT, load
from rlmigrate.compat.parity.recording.recorded import RecordedSide
from rlmigrate.errors import UsageError

BUGS = Path(__file__).parents[3] / "fixtures" / "parity_bugs"


@pytest.mark.parametrize("name", ["Norm", "Masked", "Recurrent", "Several"])
def test_recorded_numbers_pass_with_the_right_module(planted, tmp_path, name):
    old, new, spaces = planted("nets", name)
    record(old, tmp_path / "old.npz", **spaces)
    report = compare(tmp_path / "old.npz", new)
    assert report.status is Status.PASS, report.to_json()


@pytest.mark.parametrize("name", ["Norm", "Recurrent"])
def test_recorded_optimiser_step_is_compared(planted, tmp_path, name):
    old, new, spaces = planted("nets", name)
    kept = record(old, tmp_path / "old.npz", **spaces)
    assert kept.step.keys() == kept.wide_step.keys() > {"dist_inputs"}
    assert not np.array_equal(
        kept.step["dist_inputs"], kept.runs[kept.studied].outputs["dist_inputs"]
    )
    (result,) = compare(tmp_path / "old.npz", new).results
    assert "after one step.dist_inputs" in result.outputs
    assert not any("step" in note for note in result.notes), result.notes


def test_recording_without_a_step_says_so(planted):
    old, new, spaces = planted("nets", "Norm")
    kept = replace(record(old, **spaces), step={}, wide_step={})
    (result,) = compare(kept, new).results
    assert not any(path.startswith("after one step") for path in result.outputs)
    assert any("step is not recorded" in note for note in result.notes)


@pytest.mark.parametrize("name", ["Epsilon", "StateLate"])
def test_recorded_failure_shrinks_to_one_row_or_sequence(planted, name):
    old, new, spaces = planted("faulty", name)
    kept = record(old, **spaces)
    (result,) = compare(kept, new).results
    assert result.smallest is not None
    small = from_plain(result.smallest)
    assert small.name == "smallest"
    assert (1 if small.seq_lens is None else len(small.seq_lens)) == 1


def test_rows_that_were_not_recorded_are_not_made_up(planted):
    old, _, spaces = planted("nets", "Norm")
    kept = record(old, **spaces)
    side = RecordedSide(kept)
    case = next(case for case in kept.cases if case.rows > 2)
    rows = replace(
        case,
        name="some",
        obs=select_rows(case.obs, [2, 0]),
        actions=select_rows(case.actions, [2, 0]),
    )
    expected = kept.runs[case.name].outputs["dist_inputs"][[2, 0]]
    assert np.array_equal(side.run(rows).outputs["dist_inputs"], expected)
    with pytest.raises(UsageError, match="has no float32 numbers"):
        side.run(replace(rows, obs=map_leaves(lambda leaf: leaf + 1, rows.obs)))


@pytest.mark.parametrize("name", ["Epsilon", "WeakMask", "StateLate"])
def test_recorded_numbers_fail_with_a_wrong_module(planted, tmp_path, name):
    old, new, spaces = planted("faulty", name)
    record(old, tmp_path / "old.npz", **spaces)
    report = compare(tmp_path / "old.npz", new)
    assert report.status is Status.FAIL


def test_recording_survives_writing_and_reading(planted, tmp_path):
    old, _, spaces = planted("nets", "Recurrent")
    kept = record(old, tmp_path / "old.npz", **spaces, model_config={"max_seq_len": 7})
    read = load(tmp_path / "old.npz")
    assert read.label == kept.label
    assert read.model_config == {"max_seq_len": 7}
    assert read.state_sizes == ((12,),)
    for name, run in kept.runs.items():
        for path, value in run.outputs.items():
            assert np.array_equal(read.runs[name].outputs[path], value)
            assert read.wide_runs[name].outputs[path].dtype != np.float32


def test_file_that_is_no_recording_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(UsageError, match="is no recording"):
        load(tmp_path / "other.npz")


def test_object_arrays_are_refused(tmp_path):
    manifest = np.array([{"format": FORMAT}], dtype=object)
    np.savez(tmp_path / "evil.npz", manifest=manifest)
    with pytest.raises(UsageError, match="is no recording"):
        load(tmp_path / "evil.npz")


def test_recording_of_another_version_is_refused(tmp_path):
    text = json.dumps({"format": "rlmigrate recording 99"}).encode()
    np.savez(tmp_path / "new.npz", manifest=np.frombuffer(text, dtype=np.uint8))
    with pytest.raises(UsageError, match="recording 99"):
        load(tmp_path / "new.npz")


def test_command_line_records_and_verifies_without_ray(tmp_path):
    recording = tmp_path / "gauss.npz"
    command = [sys.executable, "-m", "rlmigrate"]
    spaces = ["--observation-space", "Box(-1.0, 1.0, (3,))", "--action-space", "Box(-2, 2, (2,))"]
    target = f"{BUGS / 'old' / 'nets.py'}:Gauss"
    done = subprocess.run(
        [*command, "record", target, "-o", str(recording), "--no-ray", *spaces],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "9 cases also in float64" in done.stderr
    done = subprocess.run(
        [*command, "verify", str(recording), str(BUGS / "new" / "nets.py"), "--no-ray"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS       nets.Gauss" in done.stdout


def test_emitted_recorder_needs_numpy_and_ray_only():
    import ast

    tree = ast.parse(recorder_source(), feature_version=(3, 7))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
    own = {"numpy", "ray", "torch", "tensorflow", "gym", "gymnasium"}
    assert found - own <= set(sys.stdlib_module_names)


MODEL = """
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Small(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.pi = nn.Linear(4, num_outputs)
        self.vf = nn.Linear(4, 1)

    def forward(self, input_dict, state, seq_lens):
        self._obs = input_dict["obs"].float()
        return self.pi(self._obs), state

    def value_function(self):
        return self.vf(self._obs).squeeze(1)
"""


@pytest.mark.slow
def test_emitted_recorder_runs_on_ray_and_its_file_passes(tmp_path):
    from ray.rllib.core.rl_module.apis import ValueFunctionAPI
    from ray.rllib.core.rl_module.torch import TorchRLModule
    from torch import nn

    class Small(TorchRLModule, ValueFunctionAPI):
        def setup(self):
            self.pi = nn.Linear(4, 2)
            self.vf = nn.Linear(4, 1)

        def _forward(self, batch, **kwargs):
            return {"action_dist_inputs": self.pi(batch["obs"].float())}

        def compute_values(self, batch, embeddings=None):
            return self.vf(batch["obs"].float()).squeeze(-1)

    (tmp_path / "recorder.py").write_text(recorder_source())
    (tmp_path / "models.py").write_text(MODEL)
    done = subprocess.run(
        [
            *(sys.executable, "recorder.py", "--model", "models.py:Small"),
            *("--env", "CartPole-v1", "--out", "small.npz"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (result,) = compare(tmp_path / "small.npz", Small).results
    assert result.status is Status.PASS, result.message
    assert "after one step.value" in result.outputs


def test_check_parity_and_compare_agree(planted, tmp_path):
    old, new, spaces = planted("faulty", "Scaled")
    direct = check_parity(old, new, **spaces, gradients=False, localise=False).results[0]
    later = compare(record(old, **spaces), new).results[0]
    for path, output in direct.outputs.items():
        assert later.outputs[path].max_abs == output.max_abs
