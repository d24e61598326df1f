"""A file does not parse."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find nothing: the engine reports this one, before any rule sees the file."""
    return ()


RULE = Rule(
    code="RLM901",
    name="syntax-error",
    kind=Kind.IMPORT,
    summary="A file does not parse.",
    explanation="""
Python itself cannot parse the file; the place is where its parser stopped. Python 2 code,
templates and files with merge conflicts end here. The file is left alone, the others go on, and
the exit status is 2.
""",
    check=check,
    since="0.1",
    link="https://docs.python.org/3/library/ast.html",
)
