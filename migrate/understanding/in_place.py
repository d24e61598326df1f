"""Observations, columns and states that forward changes where they are.

place_of_class   where the code of a class is read: its methods and those of its bases
writes_into      the places where a function writes into some inputs, and into which
check_values     refuse them in values: on the new stack, a batch is read more than once
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

from rlmigrate.migrate.understanding.scope import Scope
from rlmigrate.migrate.understanding.sharing import Place, Sharing, Value


def place_of_class(scope: Scope) -> Place:
    """Where forward is read: every method that the class has or inherits in the repository."""
    line = [*scope.line[1:], *(scope.kin.mixins if scope.kin is not None else ())]
    methods: dict[str, ast.FunctionDef] = {}
    for each in reversed(line):
        methods |= each.methods
    builders = [*scope.methods.values(), *(m for each in line for m in each.methods.values())]
    return Place(
        scope.file,
        scope.definitions,
        scope.node.name,
        methods | scope.methods,
        tuple(builders),
    )


def writes_into(
    scope: Scope,
    function: ast.FunctionDef,
    inputs: Collection[ast.expr],
    *,
    later: Collection[ast.expr] = (),
    held: Mapping[str, Value] | None = None,
) -> Sharing:
    """Follow what a function does with `inputs`, whose labels are their ids.

    `later` are places that stand for the observation once it was replaced; `held` is what
    attributes share from before.
    """
    known = {id(each): frozenset({(id(each), 0)}) for each in inputs}
    found = Sharing(
        place_of_class(scope), known, later={id(n) for n in later}, env=dict(held or {})
    )
    found.run(function)
    return found


def check_values(scope: Scope, forward: Sharing, what: str) -> None:
    """Refuse a value_function that changes what forward laid aside of its input."""
    values = scope.methods.get("value_function")
    held = {name: value for name, value in forward.env.items() if name.startswith("self.")}
    if values is None or not any(held.values()):
        return
    for node in writes_into(scope, values, [], held=held).writes:
        scope.problem(node, f"changes {what} in place, in value_function")
