"""Reads of the view of the observation that a model has unless it says otherwise: this step only.

read_own_view   mark `self.view_requirements["obs"].shift` and its kin, and conditions on them
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope, self_attribute


def read_own_view(scope: Scope) -> None:
    """Mark what is known of the observation's view, where no relative changes it."""
    if scope.kin is None or any(_changes_view(node) for node in _texts(scope)):
        return
    for node in nodes_in(scope.node):
        part = scope.parent(scope.parent(node))
        if self_attribute(node) != "view_requirements" or not isinstance(part, ast.Attribute):
            continue
        view = scope.parent(node)
        if not isinstance(view, ast.Subscript) or scope.key_of(view.slice) != "obs":
            continue
        if not isinstance(part.ctx, ast.Load):
            continue
        if part.attr == "space":
            scope.mark("preprocessed_space", part)
        elif part.attr == "shift" and _is_decided(scope, part):
            test = scope.parent(part)
            holder = scope.parent(test)
            assert isinstance(holder, ast.If)
            scope.mark("always", holder)
            for dead in (test, *holder.orelse):
                scope.handle(dead)
        else:
            continue
        scope.handled.add(id(node))


def _texts(scope: Scope) -> list[ast.ClassDef]:
    assert scope.kin is not None
    heirs = [heir.node for heir, _ in scope.kin.heirs]
    return [scope.node, *(base.node for base in scope.kin.bases), *heirs]


def _changes_view(node: ast.ClassDef) -> bool:
    """Say whether a class stores into `view_requirements` under a name that may be obs."""
    for each in nodes_in(node):
        if not isinstance(each, ast.Attribute | ast.Subscript) or isinstance(each.ctx, ast.Load):
            continue
        if isinstance(each, ast.Attribute) and each.attr == "view_requirements":
            return True
        kept = isinstance(each, ast.Subscript) and _may_be_obs(each.slice)
        if kept and ast.unparse(each.value).endswith("view_requirements"):
            return True
    return False


def _may_be_obs(key: ast.expr) -> bool:
    return not isinstance(key, ast.Constant) or key.value == "obs"


def _is_decided(scope: Scope, shift: ast.expr) -> bool:
    """Say whether a shift stands in `if shift == 0:`, which then always holds."""
    test = scope.parent(shift)
    if not isinstance(test, ast.Compare) or test.left is not shift:
        return False
    equal = len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
    zero = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value == 0
    holder = scope.parent(test)
    if not (equal and zero and isinstance(holder, ast.If) and holder.test is test):
        return False
    texts = (
        n for s in holder.body for n in nodes_in(s) if isinstance(n, ast.Constant | ast.JoinedStr)
    )
    return not any(t.end_lineno != t.lineno for t in texts)  # lines of a string must not move
