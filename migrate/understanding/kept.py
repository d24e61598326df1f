"""Attributes that forward keeps for later, and where each is needed.

read_kept     turn them into locals and embeddings
mark_values   mark where values read one
net_source    the local that holds what a net was given
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Stash
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.net_base import said
from rlmigrate.migrate.understanding.scope import Scope, names_in, self_attribute
from rlmigrate.migrate.understanding.values import Values


def read_kept(
    scope: Scope,
    forward: Forward,
    values: Values,
    *,
    needed: list[str] | None = None,
    reported: tuple[str, ...] = (),
) -> tuple[tuple[Stash, ...], dict[str, str]]:
    """Return what forward keeps, and for each net that is asked for values the local it was given.

    `needed` are the attributes that values of the class or of its kin read; None where it has none.

    Marks: `kept_local` in forward; in value_function `kept_embedding`, or `kept_pure` where the
    batch alone gives the value; `drop` where nothing needs the attribute any more. A loss needs
    the `reported` attributes too.
    """
    stashes = []
    for attribute, local in forward.stored.items():
        pure = None
        if needed is None and attribute not in reported:
            pure = _pure_source(scope, forward, attribute)
        for_value = attribute in (values.kept if needed is None else needed)
        for_value = for_value or attribute in reported
        stashes.append(
            Stash(attribute, local, for_value, ast.unparse(pure) if pure is not None else None)
        )
        if attribute not in scope.staying:
            _mark_forward(scope, forward, attribute, local, pure=pure is not None)
        if for_value and values.node is not None:
            mark_values(scope, values.node, attribute, pure)
    sources = {}
    for net in values.nets:
        given = net_source(scope, forward, net)
        if given is not None:
            sources[net] = given
    return tuple(stashes), sources


def _loads(node: ast.AST, attribute: str) -> list[ast.Attribute]:
    return [
        n
        for n in nodes_in(node)
        if isinstance(n, ast.Attribute)
        and self_attribute(n) == attribute
        and isinstance(n.ctx, ast.Load)
    ]


def _pure_source(scope: Scope, forward: Forward, attribute: str) -> ast.expr | None:
    """The expression on the batch that the attribute is set to, if that is all it ever is."""
    stores = [
        n
        for n in nodes_in(forward.node)
        if self_attribute(n) == attribute and isinstance(getattr(n, "ctx", None), ast.Store)
    ]
    if not stores:  # a helper sets it
        return None
    holder = scope.parent(stores[0])
    if len(stores) != 1 or not isinstance(holder, ast.Assign) or len(holder.targets) != 1:
        return None
    if holder.targets[0] is not stores[0]:
        return None
    return forward.observed.pure(holder.value)


def _mark_forward(
    scope: Scope, forward: Forward, attribute: str, local: str, *, pure: bool
) -> None:
    loads = _loads(forward.node, attribute)
    for node in nodes_in(forward.node):
        if self_attribute(node) != attribute:
            continue
        holder = scope.parent(node)
        unread = not loads and isinstance(holder, ast.Assign) and len(holder.targets) == 1
        if unread and (pure or scope.q_model):  # which only values read, and DQN asks for none
            scope.mark("drop", holder)
            scope.handle(holder)
        else:
            scope.mark("kept_local", node, local)


def mark_values(
    scope: Scope, function: ast.FunctionDef, attribute: str, pure: ast.expr | None
) -> None:
    """Mark where values read an attribute that forward kept."""
    for node in _loads(function, attribute):
        if id(node) in scope.handled:
            continue
        if pure is not None:
            scope.mark("kept_pure", node, attribute, source=pure)
        else:
            scope.mark("kept_embedding", node, attribute)


def net_source(scope: Scope, forward: Forward, net: str) -> str | None:
    """The local that a net was given; None where the batch alone gives it."""
    given = forward.given[net]
    if isinstance(given, ast.Name) and given.id == forward.observed.batch:
        if forward.observed.is_after(given) and forward.observed.pure(given) is None:
            return forward.observed.replacement
        return None
    if forward.observed.pure(given) is not None:
        return None
    inside = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    if any(isinstance(ancestor, inside) for ancestor in scope.ancestors(given)):
        scope.problem(given, f"gives {said(net)} an input that it computes in place")
        return None
    if isinstance(given, ast.Name):
        later = [
            n
            for n in nodes_in(forward.node)
            if isinstance(n, ast.Name)
            and n.id == given.id
            and isinstance(n.ctx, ast.Store)
            and n.lineno >= given.lineno
        ]
        if not later:
            return forward.renamed.get(given.id, given.id)
    attribute = self_attribute(given)
    if attribute in forward.stored:
        return forward.stored[attribute or ""]
    taken = names_in(forward.node) | set(forward.stored.values())
    local = next(name for name in _IN if name not in taken)
    scope.mark("named_input", given, local)
    return local


#: What an input that is computed where a net is called is named.
_IN = ("net_input", "net_input_", "net_input__")
