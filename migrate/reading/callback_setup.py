"""Constructors of callback classes that hand on the dict of functions which came before classes.

read_constructor   call the base class without it; RLlib's takes no argument now
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.callbacks import CODE, Method
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.tree import nodes_in

LEGACY = "legacy_callbacks_dict"
#: Bases that take no arguments.
PLAIN = frozenset({"typing.Generic", "abc.ABC"})


def read_constructor(context: FileContext, owner: ast.ClassDef, method: ast.FunctionDef) -> Method:
    """Return the edits of `__init__` in a class that derives from RLlib's alone."""
    made = Method()
    imports = context.index.files[context.source.path].imports
    first, *others = owner.bases
    plain = {
        imports.qualified(base.value if isinstance(base, ast.Subscript) else base) or ""
        for base in others
    }
    if not (imports.qualified(first) or "").startswith("ray.") or not plain <= PLAIN:
        return made
    given: list[ast.expr] = []
    for call in nodes_in(method):
        if isinstance(call, ast.Call) and _of_base(call, first):
            rest = call.args if _is_super(call) else call.args[1:]
            values = [*rest, *(k.value for k in call.keywords)]
            if len(values) != 1 or any(k.arg != LEGACY for k in call.keywords):
                continue
            start = context.source.span(call.func).end
            text = "()" if _is_super(call) else f"({context.source.segment(call.args[0])})"
            made.edits.append(Edit(Span(start, context.source.span(call).end), text, CODE))
            given += values
    names = {each.id for each in given if isinstance(each, ast.Name)}
    if made.edits and LEGACY in names:
        _drop_parameter(context, method, made, given)
    return made


def _drop_parameter(
    context: FileContext, method: ast.FunctionDef, made: Method, given: list[ast.expr]
) -> None:
    """Take the parameter away where it is the last, may be left out, and nothing else reads it."""
    args = method.args
    uses = [n for n in nodes_in(method) if isinstance(n, ast.Name) and n.id == LEGACY]
    alone = not (args.kwonlyargs or args.vararg or args.kwarg or args.posonlyargs)
    last = args.args[-1]
    if not alone or last.arg != LEGACY or len(args.args) < 2 or not args.defaults:
        return
    if len(uses) == len(given):
        start = context.source.span(args.args[-2]).end
        if len(args.defaults) > 1:
            start = context.source.span(args.defaults[-2]).end
        end = context.source.span(args.defaults[-1]).end
        made.edits.append(Edit(Span(start, end), "", CODE))


def _of_base(call: ast.Call, base: ast.expr) -> bool:
    """Whether a call is `super().__init__(...)`, or that of the base class by name."""
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr != "__init__":
        return False
    return _is_super(call) or (bool(call.args) and ast.dump(func.value) == ast.dump(base))


def _is_super(call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return (
        isinstance(owner, ast.Call)
        and isinstance(owner.func, ast.Name)
        and owner.func.id == "super"
    )
