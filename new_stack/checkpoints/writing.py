"""Write a checkpoint, as Ray 2.44 to 2.60 does."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from rlmigrate.new_stack.checkpoints import packing, pickling
from rlmigrate.new_stack.checkpoints.layouts import local_path

# The release whose files these are, which is what a reader of them needs to know.
WRITTEN_AS_RAY = "2.60.0"
CHECKPOINT_VERSION = "2.1"


def metadata_of(target: Any) -> dict[str, Any]:
    """Return what metadata.json says."""
    from rlmigrate import __version__

    return {
        "class_and_ctor_args_file": target.CLASS_AND_CTOR_ARGS_FILE_NAME,
        "state_file": target.STATE_FILE_NAME,
        "ray_version": WRITTEN_AS_RAY,
        "ray_commit": "",
        "rlmigrate_version": __version__,
    }


def save(
    target: Any,
    path: str | os.PathLike[str] | None,
    *,
    state: Mapping[str, Any] | None,
    use_msgpack: bool,
) -> str:
    """Write a module and its components; return the directory."""
    directory = Path(tempfile.mkdtemp()) if path is None else local_path(path)
    directory.mkdir(parents=True, exist_ok=True)
    metadata = {"checkpoint_version": CHECKPOINT_VERSION} | target.get_metadata()
    _write(directory / target.METADATA_FILE_NAME, json.dumps(metadata).encode())
    ctor = {"class": type(target), "ctor_args_and_kwargs": target.get_ctor_args_and_kwargs()}
    _write(directory / target.CLASS_AND_CTOR_ARGS_FILE_NAME, pickling.dumps(ctor))

    components = target.get_checkpointable_components()
    rest = dict(target.get_state() if state is None else state)
    for name, part in components:
        if name in rest:
            part.save_to_path(directory / name, state=rest.pop(name), use_msgpack=use_msgpack)
    suffixes = (".msgpack", ".pkl") if use_msgpack else (".pkl", ".msgpack")
    file = directory / f"{target.STATE_FILE_NAME}{suffixes[0]}"
    _write(file, packing.dumps(rest) if use_msgpack else partial(pickling.dump, rest))
    # The state of the other format is of an earlier save, and Ray would prefer a stale msgpack.
    (directory / f"{target.STATE_FILE_NAME}{suffixes[1]}").unlink(missing_ok=True)
    return str(directory)


def _write(path: Path, data: bytes | Callable[[IO[bytes]], None]) -> None:
    """Write a file at once or not at all; `data` may write to the file itself."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if callable(data):
                data(file)
            else:
                file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
