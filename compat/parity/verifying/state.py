"""Results kept on disk as they come, so that a run can be interrupted and go on.

One line of JSON for each result, under a fingerprint of the task, of the options that matter and
of the Python files on its paths: what has changed since is verified again. A line that a kill
cut off is skipped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import rlmigrate
from rlmigrate.compat.parity.results import ClassResult, Status, read_result
from rlmigrate.compat.parity.verifying.tasks import Task, VerifyOptions


class StateFile:
    """The results of a run, by fingerprint."""

    def __init__(self, path: Path, options: VerifyOptions) -> None:
        self._path = path
        self._options = options
        self._known: dict[str, ClassResult] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                entry = json.loads(line)
                self._known[entry["fingerprint"]] = read_result(entry["result"])
            except (ValueError, KeyError, TypeError):
                continue

    def find(self, task: Task) -> ClassResult | None:
        """Give the kept result of a task; an ERROR is tried again."""
        found = self._known.get(self._fingerprint(task))
        return None if found is None or found.status is Status.ERROR else found

    def keep(self, task: Task, result: ClassResult) -> None:
        """Append a result."""
        entry = {"fingerprint": self._fingerprint(task), "result": result.to_dict()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, allow_nan=False) + "\n")

    def _fingerprint(self, task: Task) -> str:
        matters = self._options.what_matters
        digest = hashlib.sha256(f"{rlmigrate.__version__} {matters} {task!r}".encode())
        for path in sorted(set(_files(task))):
            stat = path.stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def _files(task: Task) -> Iterator[Path]:
    for folder in {*task.old_paths, *task.new_paths}:
        yield from (path for path in folder.rglob("*.py") if path.is_file())
    for single in (task.recording, task.weights):
        if single is not None and single.is_file():
            yield single
