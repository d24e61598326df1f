"""Files that want to run code, or to change what is loaded: nothing happens, and it is said so."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import zlib

import gymnasium as gym
import msgpack
import msgpack_numpy
import numpy as np
import pytest
import torch
from msgpack.fallback import Packer

from rlmigrate.errors import CheckpointError, UnsafeCheckpoint
from rlmigrate.new_stack import RLModule, RLModuleSpec
from rlmigrate.new_stack.checkpoints import packing, spaces, unpickling
from rlmigrate.new_stack.checkpoints.spaces import space_from_dict
from rlmigrate.new_stack.defaults.discrete_bc import DiscreteBCTorchModule

OBS = gym.spaces.Box(-1, 1, (4,))


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.fixture
def trap(tmp_path):
    """A file that exists as soon as a command was run."""
    return tmp_path / "it_ran"


@pytest.fixture
def checkpoint(tmp_path):
    module = RLModuleSpec(
        DiscreteBCTorchModule, OBS, gym.spaces.Discrete(2), model_config={"fcnet_hiddens": [3]}
    ).build()
    module.save_to_path(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def attacks(trap):
    command = f"touch {trap}"
    yield Runs(os.system, command)
    yield Runs(eval, f"__import__('os').system({command!r})")
    yield Runs(exec, f"open({str(trap)!r}, 'w')")
    yield Runs(getattr, "os", "system")
    yield Runs(__import__, "antigravity")
    yield Runs(np.load, str(trap))
    yield Runs(torch.storage._load_from_bytes, b"")
    yield {"nested": [(1, Runs(os.system, command))]}


@pytest.mark.parametrize("file", ["module_state.pkl", "class_and_ctor_args.pkl"])
@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles_that_call_something_are_refused(checkpoint, trap, file, number, protocol):
    attack = list(attacks(trap))[number]
    (checkpoint / file).write_bytes(pickle.dumps(attack, protocol=protocol))
    with pytest.raises(CheckpointError):
        RLModule.from_checkpoint(checkpoint)
    assert not trap.exists()


def test_constructor_arguments_that_call_something_are_refused(checkpoint, trap):
    info = {"class": DiscreteBCTorchModule, "ctor_args_and_kwargs": ((), {"model_config": None})}
    info["ctor_args_and_kwargs"][1]["model_config"] = Runs(os.system, f"touch {trap}")
    (checkpoint / "class_and_ctor_args.pkl").write_bytes(pickle.dumps(info))
    with pytest.raises(UnsafeCheckpoint, match=r"posix\.system|nt\.system"):
        RLModule.from_checkpoint(checkpoint)
    assert not trap.exists()


def test_a_class_that_is_no_module_is_not_built(checkpoint, trap):
    info = {"class": os.system, "ctor_args_and_kwargs": ((f"touch {trap}",), {})}
    (checkpoint / "class_and_ctor_args.pkl").write_bytes(pickle.dumps(info))
    with pytest.raises(CheckpointError, match="module_classes"):
        RLModule.from_checkpoint(checkpoint)
    info = {"class": dict, "ctor_args_and_kwargs": ((), {})}
    (checkpoint / "class_and_ctor_args.pkl").write_bytes(pickle.dumps(info))
    with pytest.raises(CheckpointError):
        RLModule.from_checkpoint(checkpoint)
    assert not trap.exists()


def test_classes_are_not_changed_by_a_file():
    """BUILD with a class on the stack would set attributes on it for the whole process."""
    before = gym.spaces.Box.sample
    code = (
        b"\x80\x04"
        + b"\x8c\x14gymnasium.spaces.box\x8c\x03Box\x93"
        + b"N}\x8c\x06sampleK\x01s\x86b."
    )
    with pytest.raises(UnsafeCheckpoint, match="changes"):
        unpickling.loads(code)
    assert gym.spaces.Box.sample is before


@pytest.mark.parametrize(
    "code",
    [
        b"\x80\x04\x82\x01.",  # EXT1
        b"\x80\x04\x8c\x01aQ.",  # BINPERSID
        b"cposix\nsystem\n(S'true'\ntR.",
        b"(S'true'\niposix\nsystem\n.",  # INST
        b"(cposix\nsystem\nS'true'\no.",  # OBJ
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93)\x81.",  # NEWOBJ
        b"not a pickle",
        b"",
    ],
)
def test_every_way_to_call_is_refused(code):
    with pytest.raises(CheckpointError):
        unpickling.loads(code)


@pytest.mark.parametrize(
    "value",
    [
        np.array([{"a": 1}], dtype=object),
        np.dtype([("a", "O")]),
        np.zeros(2, dtype=[("a", "f4"), ("b", "O")]),
    ],
)
def test_arrays_of_objects_are_refused(value):
    for protocol in (2, 5):
        with pytest.raises(CheckpointError):
            unpickling.loads(pickle.dumps(value, protocol=protocol))


@pytest.mark.parametrize("patched", [False, True])
def test_msgpack_with_a_pickle_inside_is_refused(checkpoint, trap, patched, monkeypatch):
    """Ray patches msgpack for the whole process, so that reading unpickles."""
    for name in ("Packer", "Unpacker", "unpackb", "packb", "unpack", "loads", "load"):
        monkeypatch.setattr(msgpack, name, getattr(msgpack, name))
    if patched:
        msgpack_numpy.patch()
    payload = pickle.dumps(Runs(os.system, f"touch {trap}"))
    for kind in (b"O", b"V"):
        packed = Packer().pack(
            {"w": {b"nd": True, b"kind": kind, b"type": "|O", b"shape": (1,), b"data": payload}}
        )
        (checkpoint / "module_state.msgpack").write_bytes(packed)
        with pytest.raises(CheckpointError):
            RLModule.from_checkpoint(checkpoint)
    assert not trap.exists()
    with pytest.raises(CheckpointError):
        packing.loads(b"\xc1")


def test_a_space_with_a_pickle_inside_is_refused(trap):
    array = np.empty(1, dtype=object)
    array[0] = Runs(os.system, f"touch {trap}")
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    hidden = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    for data in (
        {"space": "multi-discrete", "nvec": hidden, "dtype": "<i8"},
        {"space": "box", "low": hidden, "high": hidden, "shape": [1], "dtype": "<f4"},
        {"space": "multi-discrete", "nvec": hidden, "dtype": "|O"},
    ):
        with pytest.raises(UnsafeCheckpoint):
            space_from_dict(data)
    with pytest.raises(CheckpointError, match="unknown kind"):
        space_from_dict({"space": "os.system"})
    assert not trap.exists()


def test_a_space_that_inflates_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(spaces, "MAX_ARRAY_BYTES", 1000)
    zeros = zlib.compress(bytes(100_000), level=1)
    data = {"space": "multi-discrete", "nvec": base64.b64encode(zeros).decode(), "dtype": "<i8"}
    with pytest.raises(UnsafeCheckpoint, match="more than"):
        space_from_dict(data)


def test_old_metadata_imports_nothing(tmp_path):
    (tmp_path / "rl_module_metadata.json").write_text(
        json.dumps({"module_spec_class": "antigravity.geohash", "module_spec_dict": {}})
    )
    with pytest.raises(CheckpointError, match="module_classes"):
        RLModule.from_checkpoint(tmp_path)


def test_torch_files_with_code_are_refused(tmp_path, trap):
    (tmp_path / "module_state_dir").mkdir()
    torch.save(Runs(os.system, f"touch {trap}"), tmp_path / "module_state_dir" / "module_state.pt")
    module = RLModuleSpec(
        DiscreteBCTorchModule, OBS, gym.spaces.Discrete(2), model_config={"fcnet_hiddens": [3]}
    ).build()
    with pytest.raises(CheckpointError):
        module.restore_from_path(tmp_path)
    assert not trap.exists()


def test_a_truncated_array_is_refused():
    good = pickle.dumps({"w": np.zeros(8, dtype=np.float32)}, protocol=2)
    bad = good.replace(b"K\x08\x85", b"K\x09\x85")
    assert bad != good
    for data in (bad, good[:-10]):
        with pytest.raises(CheckpointError):
            unpickling.loads(data)


def test_random_generators_of_spaces_are_left_out(checkpoint):
    space = gym.spaces.Box(-1, 1, (2,), seed=3)
    space.sample()
    loaded = unpickling.loads(pickle.dumps(space))
    assert loaded == space
    assert loaded._np_random is None
    assert loaded.sample().shape == (2,)
