"""A file is nested more deeply than Python can parse."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find nothing: the engine reports this one, before any rule sees the file."""
    return ()


RULE = Rule(
    code="RLM903",
    name="too-deep",
    kind=Kind.IMPORT,
    summary="A file is nested more deeply than Python can parse.",
    explanation="""
Thousands of chained operators or brackets exhaust Python's parser. Files like this are generated;
exclude them with --exclude. The file is left alone, the others go on, and the exit status is 2.
""",
    check=check,
    since="0.1",
    link="https://docs.python.org/3/library/ast.html",
)
