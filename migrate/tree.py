"""One fast walk over a parsed file.

Walk       a tree's nodes by type and the node around each
walk       take it
WordTable  its nodes by a word that they hold
nodes_in   the nodes of a part of a tree

Three quarters of what a plain walk over `ast` looks at holds no node: names, numbers, the empty
marks for loading and storing. Knowing which fields of a type can hold nodes makes the walk a third
of the cost of parsing, where `ast.walk` costs as much as parsing itself.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from functools import lru_cache
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

Placed = TypeVar("Placed", bound=ast.expr)

#: Fields that hold a text, a number or one of the marks without content (Load, Add, And, ...).
_BARE = frozenset(
    {"ctx", "op", "ops", "id", "attr", "level", "module", "kind", "type_comment", "type_ignores"}
    | {"simple", "is_async", "conversion", "asname", "rest", "kwd_attrs", "tag"}
)


class Walk(NamedTuple):
    """What one walk found; marks without content (`ast.Load` and its like) are left out."""

    by_type: Mapping[type[ast.AST], list[ast.AST]]
    parents: Mapping[ast.AST, ast.AST]


def walk(tree: ast.AST) -> Walk:
    """List the nodes of `tree` by type, each list in source order, and the parent of each node."""
    found: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
    parents: dict[ast.AST, ast.AST] = {}
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        kind = node.__class__
        found[kind].append(node)
        for name in _CHILDREN[kind]:
            value: Any = getattr(node, name, None)
            if value.__class__ is list:
                for child in reversed(value):
                    if child.__class__ in _CHILDREN:
                        parents[child] = node
                        stack.append(child)
            elif value.__class__ in _CHILDREN:
                parents[value] = node
                stack.append(value)
    return Walk(dict(found), parents)


_START = attrgetter("lineno", "col_offset")
_END = attrgetter("end_lineno", "end_col_offset")


class WordTable(Generic[Placed]):
    """Nodes of a tree by a word that each holds: bare names, attributes, strings."""

    def __init__(self, nodes: Iterable[Placed], word_of: Callable[[Placed], str]) -> None:
        self._by_word: dict[str, list[Placed]] = defaultdict(list)
        for node in nodes:
            self._by_word[word_of(node)].append(node)

    @property
    def words(self) -> Set[str]:
        """The words, each once."""
        return self._by_word.keys()

    def of(self, wanted: Iterable[str]) -> list[Placed]:
        """List the nodes that hold one of some words, in source order."""
        known = self._by_word.keys() & wanted
        if not known:
            return []
        found = [node for word in known for node in self._by_word[word]]
        if len(found) > 1:
            # Of two that begin together the one around the other comes first.
            found.sort(key=_END, reverse=True)
            found.sort(key=_START)
        return found


@lru_cache(maxsize=256)
def nodes_in(part: ast.AST) -> tuple[ast.AST, ...]:
    """List a node and all below it, nearest first, as `ast.walk` does at three times the cost.

    Marks without content are left out. What was asked last is remembered, for no tree is ever
    changed, and a class is looked at for one thing after the other.

    >>> [type(node).__name__ for node in nodes_in(ast.parse("a = b"))]
    ['Module', 'Assign', 'Name', 'Name']
    """
    found = [part]
    add = found.append
    for node in found:
        for name in _IN_ORDER[node.__class__]:
            value: Any = getattr(node, name, None)
            if value.__class__ is list:
                for child in value:
                    if child.__class__ in _CHILDREN:
                        add(child)
            elif value.__class__ in _CHILDREN:
                add(value)
    return tuple(found)


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """Fields of a type that can hold nodes, last first, so that a stack gives the first first."""
    return tuple(name for name in reversed(kind._fields) if name not in _BARE)


_CHILDREN = {
    kind: _fields(kind)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
_IN_ORDER = {kind: fields[::-1] for kind, fields in _CHILDREN.items()}
