"""One patch a rule, for review in pieces.

write_patches   run the rules one after the other, each on what the last one made
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.io.patch import unified
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings


def write_patches(paths: Sequence[Path], settings: Settings, folder: Path) -> list[Path]:
    """Write `01-RLM101-name.patch` and so on into `folder`; they apply in that order.

    The files are rewritten in a copy, so that each rule sees what the one before it made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="rlmigrate-") as scratch:
        copies = {
            path: Path(scratch) / str(at) / (path.resolve().name or "root")
            for at, path in enumerate(paths)
        }
        for path, copy in copies.items():
            copy.parent.mkdir()
            if path.is_dir():
                shutil.copytree(path, copy, symlinks=True)
            else:
                shutil.copy2(path, copy)
        for rule in selected(settings):
            alone = dataclasses.replace(settings, select=(rule.code,), jobs=1)
            run = run_files(list(copies.values()), alone, rewriting=True)
            text = ""
            for change in run.changes:
                text += unified(_home(change.path, copies), change.before, change.after)
                change.path.write_bytes(change.after)
            if text:
                name = f"{len(written) + 1:02}-{rule.code}-{rule.name}.patch"
                (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
                written.append(folder / name)
    return written


def _home(path: Path, copies: dict[Path, Path]) -> Path:
    """The user's path of a file in the copy."""
    for original, copy in copies.items():
        if path == copy:
            return original
        if path.is_relative_to(copy):
            return original / path.relative_to(copy)
    return path
