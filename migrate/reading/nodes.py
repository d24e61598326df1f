"""One walk over a file, shared by all rules.

Nodes      nodes by type, their parents and the scope that they stand in
nodes_of   the nodes of a context's file
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeVar
from weakref import WeakKeyDictionary

from rlmigrate.migrate.index.imports import ImportTable
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import SourceFile

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
N = TypeVar("N", bound=ast.AST)

_CACHE: WeakKeyDictionary[SourceFile, Nodes] = WeakKeyDictionary()


class Nodes:
    """Every node of a tree by its type, in source order."""

    def __init__(self, source: SourceFile) -> None:
        self.tree = source.tree
        self.parents = source.parents
        # Not the file itself: it is the key of a weak cache that holds this.
        self._by_type = source.walked.by_type
        self._names = source.names
        self._bindings: dict[str, dict[ast.AST, list[ast.AST]]] = {}
        self._attributes = source.attributes
        self._strings = source.strings
        self._ray_calls: list[tuple[ast.Call, str]] | None = None

    def of(self, kind: type[N]) -> list[N]:
        """Return every node of one type."""
        found: list[N] = self._by_type.get(kind, [])  # type: ignore[assignment]
        return found

    def attributes(self, *names: str) -> list[ast.Attribute]:
        """Return every `x.name` with one of some names, in source order."""
        return self._attributes.of(names)

    def strings(self, *values: str) -> list[ast.Constant]:
        """Return every whole string that is one of some values, in source order."""
        return self._strings.of(values)

    def ray_calls(self, imports: ImportTable) -> list[tuple[ast.Call, str]]:
        """Return every call of something imported from Ray, with its dotted name."""
        if self._ray_calls is None:
            self._ray_calls = list(self._calls_of(imports.of_ray))
        return self._ray_calls

    def _calls_of(self, heads: Mapping[str, str]) -> Iterator[tuple[ast.Call, str]]:
        for name in self._names.of(heads):
            called, node = heads[name.id], self.parents[name]
            function: ast.AST = name
            while isinstance(node, ast.Attribute):
                called, function, node = f"{called}.{node.attr}", node, self.parents[node]
            if isinstance(node, ast.Call) and node.func is function:
                yield node, called

    def up(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around `node`, nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope(self, node: ast.AST) -> Scope:
        """Return the function, class or module that `node` is evaluated in."""
        for parent in self.up(node):
            if isinstance(parent, Scope):
                return parent
        return self.tree

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """Return the statement that `node` is part of."""
        if isinstance(node, ast.stmt):
            return node
        return next((parent for parent in self.up(node) if isinstance(parent, ast.stmt)), None)

    def bindings(self, name: str, scope: ast.AST) -> list[ast.AST]:
        """Return what binds `name` in `scope`: statements, arguments, handlers, targets.

        An assignment `name = value` is given as the Assign or AnnAssign node.
        """
        if name not in self._bindings:
            self._bindings[name] = self._bound(name)
        return self._bindings[name].get(scope, [])

    def value_of(self, name: ast.Name) -> ast.expr | None:
        """Return the one value that a name can have; None where that is not certain."""
        for scope in (self.scope(name), *self._outer(name)):
            if isinstance(scope, ast.ClassDef):
                continue
            bound = self.bindings(name.id, scope)
            if bound:
                only = bound[0]
                if len(bound) == 1 and isinstance(only, ast.Assign | ast.AnnAssign):
                    return only.value
                return None
        return None

    def _outer(self, node: ast.AST) -> Iterator[Scope]:
        inside = False
        for parent in self.up(node):
            if isinstance(parent, Scope):
                if inside:
                    yield parent
                inside = True

    def _bound(self, name: str) -> dict[ast.AST, list[ast.AST]]:
        """What binds a name, by scope; only the names that are asked for are looked up."""
        table: dict[ast.AST, list[ast.AST]] = defaultdict(list)
        for node in self._names.of((name,)):
            if not isinstance(node.ctx, ast.Load):
                parent = self.parents[node]
                plain = isinstance(parent, ast.Assign | ast.AnnAssign)
                table[self.scope(node)].append(parent if plain else node)
        for definition in self._definitions.get(name, ()):
            table[self.scope(definition)].append(definition)
        return dict(table)

    @cached_property
    def _definitions(self) -> dict[str, list[ast.AST]]:
        """Arguments, functions, classes, imports and handlers by the name that they bind."""
        table: dict[str, list[ast.AST]] = defaultdict(list)
        for arg in self.of(ast.arg):
            table[arg.arg].append(arg)
        for function in self.of(ast.FunctionDef):
            table[function.name].append(function)
        for coroutine in self.of(ast.AsyncFunctionDef):
            table[coroutine.name].append(coroutine)
        for class_ in self.of(ast.ClassDef):
            table[class_.name].append(class_)
        for alias in self.of(ast.alias):
            table[alias.asname or alias.name.split(".")[0]].append(alias)
        for handler in self.of(ast.ExceptHandler):
            if handler.name:
                table[handler.name].append(handler)
        return table


def nodes_of(context: FileContext) -> Nodes:
    """Return the nodes of a file, walked once."""
    found = _CACHE.get(context.source)
    if found is None:
        found = _CACHE[context.source] = Nodes(context.source)
    return found
