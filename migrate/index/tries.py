"""Where code tries things out: tests and scripts, which nothing else runs.

is_tried   whether a node stands in such a place
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_TEST_FILE = re.compile(r"test_.*|.*_tests?|tests?|conftest")
_TEST_FOLDER = frozenset({"test", "tests"})
_RUN_ALONE = re.compile(r"_?main|test_.*")


def is_tried(path: Path, node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Say whether a node stands in a test, in main(), or in a script outside of functions."""
    if _holds_tests(path):
        return True
    outermost: ast.AST | None = None
    around = parents.get(node)
    while around is not None:
        if isinstance(around, ast.Lambda):
            return False
        if isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            outermost = around
        around = parents.get(around)
    if isinstance(outermost, ast.ClassDef):
        return outermost.name.startswith("Test")
    name = getattr(outermost, "name", "main")
    return bool(_RUN_ALONE.fullmatch(name))


@lru_cache(maxsize=8)
def _holds_tests(path: Path) -> bool:
    """Say whether a file is one of tests, by its name and its folders; asked node after node."""
    folders = {folder.name for folder in list(path.parents)[:2]}
    return bool(_TEST_FILE.fullmatch(path.stem) or folders & _TEST_FOLDER)
