"""What git says about the files that are about to be written.

uncommitted   files with changes that are not committed
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path


def uncommitted(paths: Iterable[Path]) -> list[str]:
    """List tracked files with uncommitted changes in the trees that hold `paths`.

    Nothing is listed where git is not installed or a path lies in no repository.
    """
    found: set[str] = set()
    for path in paths:
        folder = path if path.is_dir() else path.parent
        status = ["status", "--porcelain", "--untracked-files=no", "--", "."]
        answer = _git(folder, status)
        found |= {line[3:] for line in (answer or "").splitlines() if len(line) > 3}
    return sorted(found)


def _git(folder: Path, arguments: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
