"""Whose attribute is read where a file says `something.model.attribute`.

Receivers   tells the objects of Ray and of torch that a file makes itself from models it is given
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cached_property

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.source import SourceFile

#: Where classes come from that are no model of the repository.
FOREIGN = ("ray.", "rllib.", "torch.", "tensorflow.")

_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module


class Receivers:
    """Names and `self` attributes of one file, with what is bound to them."""

    def __init__(self, source: SourceFile, name_of: Callable[[ast.expr], str | None]) -> None:
        self._source = source
        self._name_of = name_of

    def is_foreign(self, node: ast.expr) -> bool:
        """Say whether a name or `self.name` only ever holds what a class of Ray's or torch's made.

        Such an object is none of the repository's models, whatever it is called.
        """
        written = dotted(node) or ""
        own = written.startswith("self.") and written.count(".") == 1
        if not (own or written.isidentifier()):
            return False
        home = self._home(node, own=own)
        values = self._bound(written, home, own=own) if home is not None else []
        made = [value for value in values if not _is_none(value)]
        return bool(made) and all(self._made_elsewhere(value) for value in made)

    def _made_elsewhere(self, value: ast.expr | None) -> bool:
        made = self._name_of(value.func) if isinstance(value, ast.Call) else None
        return (
            made is not None and made.startswith(FOREIGN) and made.rpartition(".")[2][:1].isupper()
        )

    def _home(self, node: ast.AST, *, own: bool) -> ast.AST | None:
        """The class around a `self`, or the function or module that a name is looked up in."""
        wanted = ast.ClassDef if own else _SCOPES
        around = self._source.parents.get(node)
        while around is not None and not isinstance(around, wanted):
            around = self._source.parents.get(around)
        return around if around is not None or own else self._source.tree

    def _bound(self, written: str, home: ast.AST, *, own: bool) -> Iterator[ast.expr | None]:
        """What a name or attribute is bound to in a scope or class; None where no value is said."""
        last = (written.rpartition(".")[2],)
        source = self._source
        targets: list[ast.Name] | list[ast.Attribute] = source.names.of(last)
        if own:
            targets = source.attributes.of(last)
        for node in targets:
            stored = isinstance(node.ctx, ast.Store) and dotted(node) == written
            if stored and self._home(node, own=own) is home:
                yield self._said.get(id(node))
        for parameter in () if own else source.nodes(ast.arg):
            if parameter.arg == written and self._home(parameter, own=False) is home:
                yield None

    @cached_property
    def _said(self) -> dict[int, ast.expr | None]:
        """The values of assignments, by their targets."""
        said: dict[int, ast.expr | None] = {}
        for plain in self._source.nodes(ast.Assign):
            said |= {id(target): plain.value for target in plain.targets}
        for typed in self._source.nodes(ast.AnnAssign):
            said[id(typed.target)] = typed.value
        return said


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
