"""The TF modules give Ray 2.35's numbers, on Keras 3 and on legacy Keras (see tf_checks.py)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tf_checks.py")
CHECKS = [
    node.name.removeprefix("check_")
    for node in ast.parse(SCRIPT.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
]

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("keras", ["legacy", "3"])
@pytest.mark.parametrize("name", CHECKS)
def test_tf_module(run_checks, name: str, keras: str) -> None:
    found = run_checks(SCRIPT, keras=keras)
    assert found[name] is None, found[name]
