"""rlmigrate could not rewrite a file."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find nothing: the engine reports this one, before any rule sees the file."""
    return ()


RULE = Rule(
    code="RLM904",
    name="internal",
    kind=Kind.IMPORT,
    summary="rlmigrate could not rewrite a file.",
    explanation="""
A rule failed, two rules never settled, or the result did not parse. This is a fault of rlmigrate:
the file is left exactly as it was, the others go on, and the exit status is 2. Please report it
with the file.
""",
    check=check,
    since="0.1",
    link="https://docs.python.org/3/library/ast.html",
)
