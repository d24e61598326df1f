"""Shapes of calls that the emitter looks for.

owners       what is called, and what it belongs to
crowds       whether a line would grow too long
flattening   the -1 of a reshape that flattens
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.source import SourceFile

#: Longer lines are not made where a statement of its own can say it.
LINE = 100


def crowds(source: SourceFile, node: ast.AST, text: str) -> bool:
    """Say whether the line of a name would grow too long with `text` in its place."""
    assert isinstance(node, ast.expr)
    span, line = source.span(node), source.line_span(node.lineno, node.lineno)
    more = len(text) - (span.end - span.start)
    return len(source.text[line.start : line.end].rstrip()) + more > LINE


def owners(call: ast.Call) -> set[str]:
    """What is called, and what it belongs to, as written."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    return {ast.unparse(call.func), ast.unparse(owner)}


def flattening(node: ast.expr) -> ast.expr | None:
    """The -1 of `torch.reshape(x, [-1])`, `x.reshape(-1)` or `x.view(-1)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return None
    last = node.args[-1]
    listed = isinstance(last, ast.List | ast.Tuple) and len(last.elts) == 1
    plain = len(node.args) == 1 and node.func.attr in {"reshape", "view"}
    if listed and isinstance(last, ast.List | ast.Tuple) and node.func.attr in {"reshape", "view"}:
        last = last.elts[0]
    elif not plain:
        return None
    return last if ast.unparse(last) == "-1" else None
