"""Reading a checkpoint runs nothing from it, and a failure leaves nothing behind."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from rlmigrate import convert_checkpoint
from rlmigrate.compat.checkpoints import inert, read_checkpoint
from rlmigrate.errors import CheckpointError, UnsafeCheckpoint

FIXTURE = Path(__file__).parents[3] / "fixtures/checkpoints/ray-2.9.3/fcnet/checkpoint"


class Gadget:
    """Touches a file when it is unpickled."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.fixture
def state() -> dict[str, Any]:
    policy = read_checkpoint(FIXTURE).policies["default_policy"]
    box = {"space": "box", "low": -1.0, "high": 1.0, "shape": (4,), "dtype": "<f4"}
    low = _pack(np.full((4,), -1, np.float32))
    high = _pack(np.full((4,), 1, np.float32))
    return {
        "weights": dict(policy.weights),
        "policy_spec": {
            "policy_class": "PPOTorchPolicy",
            "observation_space": {"space": {**box, "low": low, "high": high}},
            "action_space": {"space": {"space": "discrete", "n": 3, "start": 0}},
            "config": {"model": {"fcnet_hiddens": [16, 8]}},
        },
    }


def _pack(array: np.ndarray, **options: Any) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode("ascii")


def write(folder: Path, state: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "policy_state.pkl").write_bytes(pickle.dumps(state))
    return folder


@pytest.mark.parametrize(
    "gadget",
    [
        lambda mark: Gadget(os.system, f"touch {mark}"),
        lambda mark: Gadget(eval, f"open({str(mark)!r}, 'w')"),
        lambda mark: Gadget(exec, f"open({str(mark)!r}, 'w')"),
        lambda mark: Gadget(Path.touch, mark),
        lambda mark: Gadget(print, mark),
    ],
)
def test_gadgets_stay_inert_and_the_weights_come_out(gadget, state, tmp_path):
    mark = tmp_path / "mark"
    state["connector_configs"] = gadget(mark)
    state["policy_spec"]["config"]["callbacks"] = gadget(mark)
    report = convert_checkpoint(write(tmp_path / "old", state), tmp_path / "out")
    assert report.ok
    assert not mark.exists()


def test_a_weight_that_is_a_call_is_no_weight(state, tmp_path):
    mark = tmp_path / "mark"
    state["weights"]["_logits._model.0.bias"] = Gadget(os.system, f"touch {mark}")
    report = convert_checkpoint(write(tmp_path / "old", state), tmp_path / "out")
    assert not report.ok
    assert not mark.exists()
    assert "1 of 12 weights are no arrays" in report.policies[0].notes


def test_arrays_of_objects_are_refused(state, tmp_path):
    state["weights"]["_logits._model.0.bias"] = np.array([Gadget(print, "ran")], dtype=object)
    with pytest.raises(UnsafeCheckpoint, match="object"):
        convert_checkpoint(write(tmp_path / "old", state), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_msgpack_arrays_of_objects_are_refused(tmp_path):
    mark = tmp_path / "mark"
    (tmp_path / "old").mkdir()
    packed = {
        b"nd": True, b"type": b"|O", b"kind": b"O", b"shape": (1,),
        b"data": pickle.dumps([Gadget(os.system, f"touch {mark}")]),
    }  # fmt: skip
    (tmp_path / "old" / "policy_state.msgpck").write_bytes(msgpack.packb({"weights": packed}))
    with pytest.raises(UnsafeCheckpoint, match="kind"):
        convert_checkpoint(tmp_path / "old", tmp_path / "out")
    assert not mark.exists()


def test_a_space_that_hides_a_pickle_is_refused(state, tmp_path):
    mark = tmp_path / "mark"
    hidden = np.array([Gadget(os.system, f"touch {mark}")], dtype=object)
    nvec = _pack(hidden, allow_pickle=True)
    spec = state["policy_spec"]
    spec["action_space"] = {"space": {"space": "multi-discrete", "nvec": nvec, "dtype": "<i8"}}
    with pytest.raises(UnsafeCheckpoint, match="no array of numbers"):
        convert_checkpoint(write(tmp_path / "old", state), tmp_path / "out")
    assert not mark.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a pickle",
        pickle.dumps({"weights": {}})[:-4],
        b"cos\nsystem\n(S'true'\ntR",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x02\x82\x01.",
        pickle.dumps(np.zeros(3))[:60],
    ],
)
def test_broken_pickles_are_checkpoint_errors(data):
    with pytest.raises(CheckpointError):
        inert.loads(data)


def test_changing_a_class_is_refused():
    data = b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb."
    with pytest.raises(UnsafeCheckpoint, match="changes"):
        inert.loads(data)


@pytest.mark.parametrize(
    "policy_id", ["../escaped", "/tmp/escaped", "a/b", "..", ".", "", "a\\b", 7]
)
def test_policy_ids_that_lead_elsewhere_are_refused(policy_id, state, tmp_path):
    folder = tmp_path / "inner" / "old"
    folder.mkdir(parents=True)
    worker = pickle.dumps({"state": {policy_id: state}, "filters": {}, "policy_specs": {}})
    (folder / "checkpoint-1").write_bytes(pickle.dumps({"worker": worker}))
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UnsafeCheckpoint, match="no name for a folder"):
        convert_checkpoint(folder, tmp_path / "inner" / "out")
    assert set(tmp_path.rglob("*")) == before


def test_gadgets_in_both_pickles_of_a_trainer_file_stay_inert(state, tmp_path):
    mark = tmp_path / "mark"
    worker = pickle.dumps(
        {
            "state": {"default_policy": state},
            "filters": {"default_policy": Gadget(os.system, f"touch {mark}")},
            "policy_specs": {},
        }
    )
    outer = {"worker": worker, "train_exec_impl": Gadget(os.system, f"touch {mark}")}
    (tmp_path / "checkpoint-1").write_bytes(pickle.dumps(outer))
    assert convert_checkpoint(tmp_path / "checkpoint-1", tmp_path / "out").ok
    assert not mark.exists()


def test_archives_are_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "checkpoint-1", "w") as archive:
        archive.writestr("../escaped", "x")
        archive.writestr("policy_state.pkl", pickle.dumps({"weights": {}}))
    before = set(tmp_path.rglob("*"))
    for source in (tmp_path, tmp_path / "checkpoint-1"):
        with pytest.raises(CheckpointError, match="not a readable pickle"):
            convert_checkpoint(source, tmp_path / "out")
    assert set(tmp_path.rglob("*")) == before


def test_bounds_that_inflate_without_end_are_refused(state, tmp_path):
    bomb = zlib.compressobj(9)
    packed = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(300)) + bomb.flush()
    space = state["policy_spec"]["observation_space"]["space"]
    space["low"] = base64.b64encode(packed).decode("ascii")
    assert len(space["low"]) < 1 << 20
    with pytest.raises(UnsafeCheckpoint, match="hold more than"):
        convert_checkpoint(write(tmp_path / "old", state), tmp_path / "out")


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x05\x96" + (2**62).to_bytes(8, "little") + b"x.",
        b"\x80\x05\x8e" + (2**63).to_bytes(8, "little") + b"x.",
        b"\x80\x05\x96" + (1 << 20).to_bytes(8, "little") + b"x" * 100 + b".",
        b"\x80\x05" + b"]" * 2000 + b"a" * 1999 + b".",
    ],
)
def test_lengths_that_lie_are_checkpoint_errors(data):
    try:
        inert.loads(data)
    except CheckpointError:
        return
    assert data.endswith(b"a.")  # depth alone is no harm


def test_modules_found_in_a_file_are_not_imported(state, tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\nX = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    data = pickle.dumps(state)[:-1] + b"0cevil_module\nX\n."
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "policy_state.pkl").write_bytes(data)
    report = convert_checkpoint(folder, tmp_path / "out")
    assert not report.ok
    assert not (tmp_path / "mark").exists()
    assert "evil_module" not in sys.modules


def test_an_existing_target_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    with pytest.raises(CheckpointError, match="exists already"):
        convert_checkpoint(FIXTURE, tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "kept"


def test_an_interruption_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    from rlmigrate.compat.checkpoints import convert

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(convert, "_write_multi", stop)
    with pytest.raises(KeyboardInterrupt):
        convert_checkpoint(FIXTURE, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_old_checkpoint_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        convert_checkpoint(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "file.txt").write_text(json.dumps({}))
    with pytest.raises(CheckpointError, match="no old checkpoint"):
        convert_checkpoint(tmp_path, tmp_path / "out" / "x")
    done = convert_checkpoint(FIXTURE, tmp_path / "converted").policies[0].path
    with pytest.raises(CheckpointError, match="RLModule checkpoint already"):
        convert_checkpoint(done, tmp_path / "again")
