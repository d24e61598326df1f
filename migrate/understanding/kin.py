"""The classes of the repository that a model inherits from, and those that inherit from it.

Relative   one class with its place
Kin        bases and heirs of a model, methods followed through both
read_kin   find them
related    every model tied to a class, and how
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.understanding.scope import body_without_docstring
from rlmigrate.migrate.understanding.super_calls import calls_base


@dataclass(frozen=True, eq=False)
class Relative:
    """A class of the repository, where it is defined."""

    qualified: str
    file: FileEntry
    node: ast.ClassDef

    @cached_property
    def methods(self) -> dict[str, ast.FunctionDef]:
        """The methods that its own body defines."""
        return {m.name: m for m in self.node.body if isinstance(m, ast.FunctionDef)}


@dataclass(frozen=True, eq=False)
class Kin:
    """Model classes around one class: `bases` nearest first, `heirs` all that inherit from it.

    `mixins` are bases of the repository that are no models.
    """

    own: Relative
    bases: tuple[Relative, ...] = ()
    mixins: tuple[Relative, ...] = ()
    heirs: tuple[tuple[Relative, tuple[Relative, ...]], ...] = ()  # each with its bases

    def __bool__(self) -> bool:
        return bool(self.bases or self.heirs)

    def owner(self, method: str) -> Relative | None:
        """The class whose `method` this class runs: its own, or the nearest base's."""
        return _owner(method, (self.own, *self.bases))

    def base_owner(self, method: str) -> Relative | None:
        """The nearest base that defines `method`."""
        return _owner(method, self.bases)

    def users(self, method: str) -> Iterator[tuple[Relative, ...]]:
        """This class and each heir that runs its `method`, as lines of classes, nearest first."""
        if method in self.own.methods:
            yield (self.own, *self.bases)
        for heir, bases in self.heirs:
            line = (heir, *bases)
            found = keeper_in(method, line)
            if found is not None and found.qualified == self.own.qualified:
                yield line


def _owner(method: str, line: tuple[Relative, ...]) -> Relative | None:
    return next((each for each in line if method in each.methods), None)


def owner_in(method: str, line: tuple[Relative, ...]) -> Relative | None:
    """The first class of a line that defines `method`."""
    return _owner(method, line)


def keeper_in(method: str, line: tuple[Relative, ...]) -> Relative | None:
    """The class whose `method` does the work: the first that does not only add to its base's."""
    return next(
        (each for each in line if method in each.methods and not calls_base(each.methods[method])),
        None,
    )


def is_abstract(method: ast.FunctionDef) -> bool:
    """Say whether a method only raises, or does nothing."""
    body = body_without_docstring(method)
    idle = all(
        isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )
    return idle or (len(body) == 1 and isinstance(body[0], ast.Raise))


def read_kin(index: RepoIndex, file: FileEntry, node: ast.ClassDef, qualified: str) -> Kin:
    """Find the relatives of a model class."""
    bases, mixins = _bases(index, qualified)
    heirs = [
        (heir, _bases(index, heir.qualified)[0])
        for name in _descendants(index, qualified)
        if (heir := relative(index, name)) is not None
    ]
    return Kin(Relative(qualified, file, node), bases, mixins, tuple(heirs))


def _bases(index: RepoIndex, qualified: str) -> tuple[tuple[Relative, ...], tuple[Relative, ...]]:
    models: list[Relative] = []
    others: list[Relative] = []
    for name in index.bases_of(qualified):
        found = relative(index, name)
        if found is not None:
            kind = index.legacy_kind(found.qualified)
            (models if kind == "model" else others).append(found)
    return tuple(models), tuple(others)


def _descendants(index: RepoIndex, qualified: str) -> list[str]:
    found: list[str] = []
    stack = [qualified]
    while stack:
        for name in sorted(index.children.get(stack.pop(), ())):
            if name not in found and name != qualified:
                found.append(name)
                stack.append(name)
    return found


def related(index: RepoIndex, kin: Kin) -> tuple[tuple[str, str], ...]:
    """Every model that is tied to a class by inheritance, after words that say how; bases first."""
    near = [("inherits from", each.qualified) for each in kin.bases]
    near += [("is the base of", heir.qualified) for heir, _ in kin.heirs]
    known = {kin.own.qualified, *(name for _, name in near)}
    stack = sorted(known)
    far = []
    while stack:
        name = stack.pop()
        bases = (index.class_named(b) for b in index.bases_of(name))
        around = {b.qualified for b in bases if b is not None} | index.children.get(name, set())
        for each in sorted(around - known):
            known.add(each)
            if index.legacy_kind(each) == "model":
                far.append(("shares a base with", each))
                stack.append(each)
    return (*near, *sorted(far))


def relative(index: RepoIndex, qualified: str) -> Relative | None:
    """Find a class of the repository in the text that it is defined in."""
    entry = index.class_named(qualified)
    if entry is None:
        return None
    for node in index.source_of(entry.path).nodes(ast.ClassDef):
        if node.lineno == entry.line and node.name == entry.name:
            return Relative(entry.qualified, index.files[entry.path], node)
    return None


__all__ = [
    "Kin",
    "Relative",
    "is_abstract",
    "keeper_in",
    "owner_in",
    "read_kin",
    "related",
    "relative",
]
