"""Return annotations of reset() and step(), where these return what gymnasium's do.

returned_type   the edit that makes an annotation true again
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span


def returned_type(context: FileContext, method: ast.FunctionDef, code: str) -> list[Edit]:
    """Add the type of infos for reset(), that of truncated for step(); in the file's own names.

    An alias in place of step()'s tuple stays: what it stands for is defined elsewhere.
    """
    found, source = method.returns, context.source
    if found is None or (isinstance(found, ast.Constant) and found.value is None):
        return []
    parts = _of_tuple(found)
    if method.name == "step":
        if len(parts) != 4:
            return []
        end = source.span(parts[2]).end
        return [Edit(Span(end, end), f", {source.segment(parts[2])}", code)]
    if len(parts) == 2 and "dict" in ast.unparse(parts[1]).lower():
        return []
    imports = context.index.files[source.path].imports
    names = [
        (imports.local_names(f"typing.{name}") or [name.lower()])[0] for name in ("Tuple", "Dict")
    ]
    return [Edit(source.span(found), f"{names[0]}[{source.segment(found)}, {names[1]}]", code)]


def _of_tuple(node: ast.expr) -> list[ast.expr]:
    """The types in `Tuple[...]`; none for anything else."""
    named = isinstance(node, ast.Subscript) and (dotted(node.value) or "").rpartition(".")[2]
    if isinstance(node, ast.Subscript) and named in {"tuple", "Tuple"}:
        return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return []
