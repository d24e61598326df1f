"""What a failure leaves behind: report.json, and a repro.py that shows it without options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rlmigrate.compat.parity.results import ParityReport, Status
from rlmigrate.compat.parity.verify import Task, VerifyOptions

_SCRIPT = '''"""Shows how {name} fails; run it without options."""

import sys
from pathlib import PosixPath, WindowsPath  # noqa: F401

from rlmigrate.compat.parity.render.text import plain_text
from rlmigrate.compat.parity.verify import Task, VerifyOptions, verify_tasks

TASK = {task!r}
OPTIONS = {options!r}

report = verify_tasks([TASK], options=OPTIONS)
print(plain_text(report, verbose=True))
sys.exit(report.status.value != "PASS")
'''


def write_artefacts(
    report: ParityReport, tasks: Sequence[Task], options: VerifyOptions, folder: Path
) -> list[Path]:
    """Write report.json, and for each result that did not pass a folder with its repro.py."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(report.to_json() + "\n", encoding="utf-8")
    by_name = {task.name: task for task in tasks}
    written = []
    for result in report.results:
        task = by_name.get(result.name)
        if result.status is Status.PASS or task is None:
            continue
        fixed = replace(
            task,
            old_paths=tuple(path.resolve() for path in task.old_paths),
            new_paths=tuple(path.resolve() for path in task.new_paths),
            recording=task.recording.resolve() if task.recording else None,
        )
        place = folder / re.sub(r"[^\w.-]", "_", result.name)
        place.mkdir(exist_ok=True)
        script = place / "repro.py"
        text = _SCRIPT.format(name=result.name, task=fixed, options=options)
        script.write_text(text, encoding="utf-8")
        written.append(script)
    return written
