"""Asking for help costs nothing: no heavy import on the way."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
sys.argv = ["rlmigrate", *{arguments!r}]
from rlmigrate.migrate.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
heavy = {heavy!r} & set(sys.modules)
assert not heavy, heavy
"""


def run(arguments: list[str], heavy: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(arguments=arguments, heavy=heavy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    run(arguments, {"libcst", "rich", "torch", "tensorflow", "ray", "numpy", "gymnasium"})


@pytest.mark.parametrize("command", ["scan", "rewrite", "rules", "explain"])
def test_help_of_a_static_command_imports_nothing_heavy(command: str) -> None:
    run([command, "--help"], {"libcst", "torch", "tensorflow", "ray", "gymnasium"})


@pytest.mark.parametrize("command", ["verify", "record", "convert", "run"])
def test_help_of_a_running_command_imports_no_framework(command: str) -> None:
    run([command, "--help"], {"torch", "tensorflow", "ray"})


def test_import_of_the_facade_is_light() -> None:
    code = (
        "import sys, rlmigrate; "
        "assert not {'torch', 'ray', 'tensorflow', 'libcst', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
