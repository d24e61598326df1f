"""Why a policy or a distribution cannot become native.

NotMovable   raised where an old name has no certain counterpart
"""

from __future__ import annotations

import ast


class NotMovable(Exception):
    """Ends a translation; the text completes "bridged because it ..."."""

    def __init__(self, node: ast.AST, text: str) -> None:
        line = getattr(node, "lineno", 0)
        super().__init__(f"{text} (line {line})" if line else text)
        self.text = text  # without the line, for markers that must not change when lines move
