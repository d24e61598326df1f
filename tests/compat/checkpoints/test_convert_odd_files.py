"""Broken, strange and misnamed inputs give one clear error, and odd but whole ones convert."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from rlmigrate import convert_checkpoint
from rlmigrate.compat.checkpoints import read_checkpoint
from rlmigrate.errors import CheckpointError

FIXTURE = Path(__file__).parents[3] / "fixtures/checkpoints/ray-2.60.0/fcnet/checkpoint"
STATE = FIXTURE / "policies" / "default_policy" / "policy_state.pkl"


def written(folder: Path, data: bytes, name: str = "policy_state.pkl") -> Path:
    folder.mkdir()
    (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "policy_state.pkl"),
        (b"hello", "policy_state.pkl"),
        (STATE.read_bytes()[:500], "policy_state.pkl"),
        (b"\xc1\xff", "policy_state.msgpck"),
        (b"", "checkpoint-1"),
    ],
)
def test_a_broken_file_is_named(data, name, tmp_path):
    folder = written(tmp_path / "old", data, name)
    with pytest.raises(CheckpointError, match=f"{name}: not"):
        convert_checkpoint(folder, tmp_path / "out")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["old"]


def test_a_state_that_is_no_policys(tmp_path):
    folder = written(tmp_path / "old", pickle.dumps([1]))
    with pytest.raises(CheckpointError, match=r"'default_policy' has no state.*but \[1\]"):
        convert_checkpoint(folder, tmp_path / "out")


@pytest.mark.parametrize("text", ["{nope", "[1]", "\x00"])
def test_broken_metadata_stops_nothing(text, tmp_path):
    shutil.copytree(FIXTURE, tmp_path / "old")
    (tmp_path / "old" / "rllib_checkpoint.json").write_text(text)
    report = convert_checkpoint(tmp_path / "old", tmp_path / "out")
    assert report.ok
    assert report.ray_version == ""


def test_binary_metadata_stops_nothing(tmp_path):
    folder = written(tmp_path / "old", STATE.read_bytes())
    (folder / "rllib_checkpoint.json").write_bytes(b"\xff\xfe\x00")
    assert read_checkpoint(folder).ray_version == ""


def test_a_target_within_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckpointError, match=r"cannot write to .*file"):
        convert_checkpoint(FIXTURE, tmp_path / "file" / "out")
    assert (tmp_path / "file").read_text() == "mine"


BOX = gym.spaces.Box(-1, 1, (4,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spaces": {"typo": (BOX, BOX)}}, r"spaces names \['typo'\].*\['default_policy'\]"),
        ({"module_classes": {"typo": torch.nn.Linear}}, r"module_classes names \['typo'\]"),
        ({"module_classes": torch.nn.Linear}, "is no RLModule class"),
        ({"module_classes": {"default_policy": torch.nn.Linear(1, 1)}}, "is no RLModule class"),
    ],
)
def test_arguments_that_fit_nothing(arguments, message, tmp_path):
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(FIXTURE, tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.astype(np.float64),
        np.asfortranarray,
        lambda value: np.repeat(value, 2, axis=0)[::2],
    ],
    ids=["float64", "fortran", "strided"],
)
def test_the_memory_of_weights_does_not_matter(change, tmp_path):
    state: Any = pickle.loads(STATE.read_bytes())
    state["weights"] = {name: change(value) for name, value in state["weights"].items()}
    converted = []
    for name, data in (("one", STATE.read_bytes()), ("two", pickle.dumps(state))):
        folder = written(tmp_path / name, data)
        assert convert_checkpoint(folder, tmp_path / f"{name}-out").ok
        saved = (tmp_path / f"{name}-out" / "module_state.pkl").read_bytes()
        converted.append(pickle.loads(saved))
    first, second = converted
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].dtype == second[name].dtype
        assert np.array_equal(first[name], second[name])


def test_weights_that_are_no_arrays_are_counted(tmp_path):
    state: Any = pickle.loads(STATE.read_bytes())
    state["weights"] = {name: torch.from_numpy(value) for name, value in state["weights"].items()}
    (policy,) = convert_checkpoint(
        written(tmp_path / "old", pickle.dumps(state)), tmp_path / "out"
    ).policies
    assert policy.status == "state only"
    assert policy.notes == ("12 of 12 weights are no arrays",)
