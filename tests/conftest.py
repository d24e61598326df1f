"""What the tests of several packages share.

run_checks   a script of checks, run in a process of its own
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest


class RunChecks(Protocol):
    """Run a script that prints a JSON object: check name to null, or to what went wrong."""

    def __call__(
        self, script: str | Path, *arguments: str, keras: str = "legacy"
    ) -> dict[str, str | None]: ...


@pytest.fixture(scope="session")
def run_checks() -> RunChecks:
    """Run scripts of checks, once for each Keras and arguments, and return what they found.

    A process of its own each, because TensorFlow takes the Keras ("legacy" or "3") that is named
    when it is imported, and because Ray's TF code changes TensorFlow for the whole process.
    """

    @functools.cache
    def run(script: str | Path, *arguments: str, keras: str = "legacy") -> dict[str, str | None]:
        environment = {k: v for k, v in os.environ.items() if k != "RLLIB_TEST_NO_TF_IMPORT"}
        paths = [environment.get("PYTHONPATH", ""), str(Path(__file__).parent)]  # for checking.py
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            env={
                **environment,
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                "TF_USE_LEGACY_KERAS": str(int(keras == "legacy")),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run
