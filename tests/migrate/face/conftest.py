"""A scratch tree, and the command line in this process or another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = "from ray.rllib.algorithms.ppo import PPOConfig\n\n"
CONFIG = HEAD + "config = PPOConfig().training(num_sgd_iter=3)\n"
DONE = CONFIG.replace("num_sgd_iter", "num_epochs")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def done_text() -> str:
    return DONE


@pytest.fixture
def rlmigrate(tmp_path: Path) -> Run:
    """Run the command line in the scratch folder; what it prints is never a traceback."""

    def run(*arguments: str | Path, cwd: Path = tmp_path, **more: object) -> object:
        done = subprocess.run(
            [sys.executable, "-m", "rlmigrate", *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            **more,  # type: ignore[call-overload]
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run  # type: ignore[return-value]


@pytest.fixture
def report(rlmigrate: Run) -> Callable[..., dict[str, object]]:
    """The JSON report of a command."""

    def run(*arguments: str | Path) -> dict[str, object]:
        done = rlmigrate(*arguments, "--format", "json")
        found: dict[str, object] = json.loads(done.stdout)
        return found

    return run
