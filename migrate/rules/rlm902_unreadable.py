"""A file cannot be read or written."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find nothing: the engine reports this one, before any rule sees the file."""
    return ()


RULE = Rule(
    code="RLM902",
    name="unreadable",
    kind=Kind.IMPORT,
    summary="A file cannot be read or written.",
    explanation="""
The system refuses, the file is gone or a loop of links, or its bytes are not text in the encoding
that its cookie names. The file is left alone, the others go on, and the exit status is 2.
""",
    check=check,
    since="0.1",
    link="https://docs.python.org/3/library/ast.html",
)
