"""The text of `rlmigrate_actions.py`, which computes actions under their old names.

ACTIONS_FILE    the module's name
actions_text    the file, whole
actions_module  what a file imports it as
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex

ACTIONS_FILE = "rlmigrate_actions"


@lru_cache(maxsize=1)
def actions_text() -> str:
    """Return the file's text; it is a template on disk, as it imports Ray and torch."""
    return (Path(__file__).parent / f"{ACTIONS_FILE}.txt").read_text(encoding="utf-8")


def actions_module(index: RepoIndex, file: FileEntry) -> str:
    """Name the module, beside the file, that it imports the functions from."""
    module = index.name_of(file.path)
    package = module if file.path.name == "__init__.py" else module.rpartition(".")[0]
    return f"{package}.{ACTIONS_FILE}" if package else ACTIONS_FILE
