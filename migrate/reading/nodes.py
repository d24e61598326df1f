"""One walk over a file, shared by all rules.

Nodes      nodes by type, their parents and the scope that they stand in
nodes_of   the nodes of a context's file
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
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
        self._bindings: dict[tuple[ast.AST, str], list[ast.AST]] | None = None
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
            self._ray_calls = list(self._calls_of("ray", imports))
        return self._ray_calls

    def _calls_of(self, package: str, imports: ImportTable) -> Iterator[tuple[ast.Call, str]]:
        heads = {
            local: target
            for local, target in imports.names.items()
            if target == package or target.startswith(f"{package}.")
        }
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
        if self._bindings is None:
            self._bindings = self._bind()
        return self._bindings.get((scope, name), [])

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

    def _bind(self) -> dict[tuple[ast.AST, str], list[ast.AST]]:
        table: dict[tuple[ast.AST, str], list[ast.AST]] = {}

        def add(name: str, node: ast.AST, scope: ast.AST) -> None:
            table.setdefault((scope, name), []).append(node)

        for name in self.of(ast.Name):
            if isinstance(name.ctx, ast.Load):
                continue
            parent = self.parents[name]
            plain = isinstance(parent, ast.Assign | ast.AnnAssign)
            add(name.id, parent if plain else name, self.scope(name))
        for arg in self.of(ast.arg):
            add(arg.arg, arg, self.scope(arg))
        for function in self.of(ast.FunctionDef):
            add(function.name, function, self.scope(function))
        for coroutine in self.of(ast.AsyncFunctionDef):
            add(coroutine.name, coroutine, self.scope(coroutine))
        for class_ in self.of(ast.ClassDef):
            add(class_.name, class_, self.scope(class_))
        for alias in self.of(ast.alias):
            add(alias.asname or alias.name.split(".")[0], alias, self.scope(alias))
        for handler in self.of(ast.ExceptHandler):
            if handler.name:
                add(handler.name, handler, self.scope(handler))
        return table


def nodes_of(context: FileContext) -> Nodes:
    """Return the nodes of a file, walked once."""
    found = _CACHE.get(context.source)
    if found is None:
        found = _CACHE[context.source] = Nodes(context.source)
    return found
