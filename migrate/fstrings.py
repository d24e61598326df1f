"""Writing into f-strings.

is_placed      whether Python knows where an expression inside an f-string stands
quote_around   the quotes of an f-string
requoted       a text that may be written into one
"""

from __future__ import annotations

import ast
import re

from rlmigrate.migrate.source import SourceFile

_OPENING = re.compile(r"[A-Za-z]*('''|\"\"\"|'|\")")


def is_placed(source: SourceFile, node: ast.expr) -> bool:
    """Say whether an expression stands where its node says, as it surely does since 3.12 only."""
    try:
        alone = ast.parse(f"({source.segment(node)}\n)", mode="eval")
    except (SyntaxError, ValueError, IndexError):
        return False
    return ast.unparse(alone) == ast.unparse(node)


def quote_around(source: SourceFile, node: ast.JoinedStr) -> str:
    """The quotes of an f-string, of the first of several that stand side by side."""
    found = _OPENING.match(source.text, source.span(node).start)
    return found[1] if found else '"'


def requoted(text: str, quote: str) -> str:
    """Write a text so that it may stand inside an f-string that is quoted so.

    >>> requoted('batch["x"]', '"')
    "batch['x']"
    """
    return text.replace(quote[0], "'" if quote[0] == '"' else '"')
