"""Codes for what can be wrong with a file.

coded   put the code in front of an error
"""

from __future__ import annotations

SYNTAX, UNREADABLE, TOO_DEEP, INTERNAL = "RLM901", "RLM902", "RLM903", "RLM904"


def coded(error: str) -> str:
    """Put the code of a problem in front of its message.

    >>> coded("a.py:1:1: syntax error: invalid syntax")
    'RLM901 a.py:1:1: syntax error: invalid syntax'
    """
    if error.startswith("RLM9"):
        return error
    return f"{_code(error)} {error}"


def _code(error: str) -> str:
    if any(words in error for words in ("rewritten text", "do not settle", "rlmigrate failed")):
        return INTERNAL
    if "nested too deeply" in error or "kills the process" in error:
        return TOO_DEEP
    return SYNTAX if "syntax error" in error or "null bytes" in error else UNREADABLE
