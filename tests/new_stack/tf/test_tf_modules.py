"""The TF modules give Ray 2.35's numbers, on Keras 3 and on legacy Keras (see tf_checks.py)."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tf_checks.py")
CHECKS = [
    node.name
    for node in ast.parse(SCRIPT.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
]

pytestmark = pytest.mark.tf


@cache
def results(keras: str) -> dict[str, str | None]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={
            **os.environ,
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


@pytest.mark.parametrize("keras", ["legacy", "3"])
@pytest.mark.parametrize("name", CHECKS)
def test_tf_module(name: str, keras: str) -> None:
    assert results(keras)[name] is None, results(keras)[name]
