"""What a failure leaves behind: report.json, a small failing input, and a repro.py to show it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rlmigrate.compat.parity.results import ParityReport, Status
from rlmigrate.compat.parity.verifying import Task, VerifyOptions

_SCRIPT = '''"""Shows how {name} fails; run it without options, or with --all for all cases."""

import sys
from dataclasses import replace
from pathlib import Path, PosixPath, WindowsPath  # noqa: F401

from rlmigrate.compat.parity.render.text import plain_text
from rlmigrate.compat.parity.verifying import Task, VerifyOptions, verify_tasks

TASK = {task!r}
OPTIONS = {options!r}
SMALLEST = Path(__file__).with_name("smallest.json")  # a small input that fails
if SMALLEST.exists() and "--all" not in sys.argv:
    TASK = replace(TASK, input=SMALLEST)

report = verify_tasks([TASK], options=OPTIONS)
print(plain_text(report, verbose=True))
sys.exit(report.status.value != "PASS")
'''


def write_artefacts(
    report: ParityReport,
    tasks: Sequence[Task],
    options: VerifyOptions,
    folder: Path,
    *,
    passing: Path | None = None,
) -> list[Path]:
    """Write report.json, and for each result that did not pass a folder with its repro.py.

    `passing` is an old tree that will be gone (one taken from git); it is kept in `folder/old`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    moved = _keep(passing, folder / "old") if passing else {}
    (folder / "report.json").write_text(report.to_json() + "\n", encoding="utf-8")
    by_name = {task.name: task for task in tasks}
    written = []
    for result in report.results:
        task = by_name.get(result.name)
        if result.status is Status.PASS or task is None:
            continue
        fixed = replace(
            task,
            old_paths=tuple(_moved(path.resolve(), moved) for path in task.old_paths),
            new_paths=tuple(path.resolve() for path in task.new_paths),
            recording=task.recording.resolve() if task.recording else None,
            weights=task.weights.resolve() if task.weights else None,
        )
        place = folder / re.sub(r"[^\w.-]", "_", result.name)
        place.mkdir(exist_ok=True)
        if result.smallest is not None:
            text = json.dumps(result.smallest, indent=1) + "\n"
            (place / "smallest.json").write_text(text, encoding="utf-8")
        script = place / "repro.py"
        text = _SCRIPT.format(name=result.name, task=fixed, options=replace(options, state=None))
        script.write_text(text, encoding="utf-8")
        written.append(script)
    return written


def _keep(tree: Path, target: Path) -> dict[Path, Path]:
    """Copy a tree; give where it was and where it is."""
    source = tree if tree.is_dir() else tree.parent
    shutil.copytree(source, target, dirs_exist_ok=True)
    return {source.resolve(): target.resolve()}


def _moved(path: Path, moved: Mapping[Path, Path]) -> Path:
    for source, target in moved.items():
        if path.is_relative_to(source):
            return target / path.relative_to(source)
    return path
