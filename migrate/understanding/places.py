"""Places that text cannot be written to.

check_places   refuse marks inside f-strings whose place or quotes are not sure
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.migrate.fstrings import is_placed
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.understanding.scope import Scope, parameters


def check_places(scope: Scope, index: RepoIndex) -> None:
    """Note marks that stand where the emitter cannot write."""
    for mark in scope.marks:
        around = list(_fstrings_around(scope, mark.node))
        if not around:
            continue
        source = index.source_of(scope.file.path)
        known = isinstance(mark.node, ast.expr) and is_placed(source, mark.node)
        quoted = mark.kind == "own" and _is_quoted(scope, mark.detail)
        if not known or quoted or len(around) > 1:
            scope.problem(mark.node, "reads what changes inside an f-string")


def _fstrings_around(scope: Scope, node: ast.AST) -> Iterator[ast.JoinedStr]:
    """The f-strings that an expression stands in, their format specifications left out."""
    for ancestor in scope.ancestors(node):
        if isinstance(ancestor, ast.JoinedStr):
            holder = scope.parent(ancestor)
            if not (isinstance(holder, ast.FormattedValue) and holder.format_spec is ancestor):
                yield ancestor


def _is_quoted(scope: Scope, parameter: str) -> bool:
    """Say whether the default of a parameter holds quotes of its own."""
    init = scope.methods["__init__"]
    named = parameters(init)
    given = [*init.args.defaults, *(d for d in init.args.kw_defaults if d is not None)]
    texts = [ast.unparse(default) for default in given]
    return any(p.arg == parameter for p in named) and any(set(t) & set("'\"\\\n") for t in texts)
