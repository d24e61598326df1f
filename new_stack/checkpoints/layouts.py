"""What lies where in a checkpoint directory, in three generations.

2.44 to 2.60  class_and_ctor_args.pkl, module_state.pkl or module_state.msgpack
2.33 to 2.40  class_and_ctor_args.pkl, module_state.pt, which is a pickle in spite of its name
2.5 to 2.24   rl_module_metadata.json, module_state_dir/module_state.pt written by torch.save
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from rlmigrate.errors import CheckpointError
from rlmigrate.new_stack.checkpoints import packing, unpickling

OLD_METADATA = "rl_module_metadata.json"


def local_path(path: str | os.PathLike[str]) -> Path:
    """Return the directory of a path or a file:// URI.

    Raises CheckpointError for a URI of a remote file system.
    """
    text = os.fspath(path)
    parts = urlparse(text)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if "://" in text:
        raise CheckpointError(f"{text}: only local checkpoints are read and written; copy it first")
    return Path(text).expanduser()


def existing(path: str | os.PathLike[str]) -> Path:
    """Return the directory of a checkpoint.

    Raises FileNotFoundError if it is not there.
    """
    directory = local_path(path)
    if not directory.exists():
        raise FileNotFoundError(f"no checkpoint at {directory} (seen from {Path.cwd()})")
    return directory


def read_state(directory: Path, name: str = "module_state") -> Any:
    """Read the state that lies directly in a checkpoint directory.

    Where a pickle and a msgpack file lie side by side, the newer one counts: Ray takes the msgpack
    one always, and leaves it behind when it overwrites the other.

    Raises CheckpointError if there is none.
    """
    current = [directory / f"{name}{suffix}" for suffix in (".msgpack", ".pkl")]
    found = [path for path in current if path.is_file()]
    if found:
        newest = max(found, key=lambda path: path.stat().st_mtime_ns)
        data = newest.read_bytes()
        return packing.loads(data) if newest.suffix == ".msgpack" else unpickling.loads(data)
    for path in (directory / f"{name}.pt", directory / f"{name}_dir" / f"{name}.pt"):
        if path.is_file():
            return read_pt(path)
    raise CheckpointError(
        f"no state in {directory}: expected {name}.pkl, {name}.msgpack, {name}.pt or "
        f"{name}_dir/{name}.pt"
    )


def read_pt(path: Path) -> Any:
    """Read a `.pt` file, a plain pickle or one of torch.save, of arrays or of tensors."""
    data = path.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return unpickling.loads(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inner = next((n for n in archive.namelist() if n.endswith("data.pkl")), None)
        has_tensors = any("/data/" in n for n in archive.namelist())
        if inner is None:
            raise CheckpointError(f"{path}: a zip file, but not one that torch.save wrote")
        if not has_tensors:
            return unpickling.loads(archive.read(inner))
    import torch

    return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")


def read_old_metadata(directory: Path) -> dict[str, Any] | None:
    """Read the metadata of a checkpoint of 2.5 to 2.24, or return None where there is none."""
    path = directory / OLD_METADATA
    if not path.is_file():
        return None
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
